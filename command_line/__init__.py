# SPDX-License-Identifier: GPL-3.0-or-later
"""From arguments to exit codes: parsing, plans, and running one set or a catalogue."""
