# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of things in messages."""


def count_of(number: int, noun: str) -> str:
    """``number`` with a noun whose plural ends in "s", as "1 product" or "2 products"."""
    return f"{number} {noun}{'s' * (number != 1)}"
