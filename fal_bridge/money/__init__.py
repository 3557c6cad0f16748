# SPDX-License-Identifier: GPL-3.0-or-later
"""Prices, ceilings, and what was spent."""
