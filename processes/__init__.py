# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes, signals, and the keys in their environment."""
