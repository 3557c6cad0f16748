# SPDX-License-Identifier: GPL-3.0-or-later
"""Prices, ceilings, and the money that was spent."""
