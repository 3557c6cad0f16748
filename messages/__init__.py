# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says: errors, events, progress, money."""
