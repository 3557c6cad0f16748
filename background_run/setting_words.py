# SPDX-License-Identifier: GPL-3.0-or-later
"""What users of the sidebar know a setting by, for texts that name members of a plan."""

LEAVE_OUT = "Leave Out"


def with_words(text: str, setting: str, value: str) -> str:
    """``text`` of a finding or a warning, with the checkbox that avoids the problem, where there is one."""
    if setting == "without":
        return f"{text} (Source: {LEAVE_OUT} {value.title()})"
    return text
