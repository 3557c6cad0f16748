# SPDX-License-Identifier: GPL-3.0-or-later
"""How much coverage counts as part of the product."""

NOISE = 8  # Of 255: coverage up to this cannot be told from the background.
