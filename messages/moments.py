# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as people read them. All are in UTC, and given in seconds since 1970."""

from datetime import UTC, datetime


def clock_time(moment: float) -> str:
    """The time of day, for a moment that is less than a day away."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M UTC")


def date_time(moment: float) -> str:
    """Date and time of day."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
