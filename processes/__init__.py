# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes: children, signals, and the keys in their environment."""
