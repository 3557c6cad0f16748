# SPDX-License-Identifier: GPL-3.0-or-later
"""What users of the sidebar know a setting by, for texts that name members of a plan or options of a command line."""

import re
from collections.abc import Mapping

from ..messages.translation import translated

LEAVE_OUT = "Leave Out"

# The labels in the window for options that reports of a run may name, some with their value.
LABELS: Mapping[str, str] = {
    "--out": "Save To",
    "--engine cycles": "Cycles",
    "--engine fal": "fal.ai",
    "--online-mode": "Allow Online Access",
    "--redo": "Try Again",
    "--redo model": "Another 3D Model",
    "--resend": "Send Again",
    "--forget": "Do Without",
    "--accept": "Accept Anyway",
    "--choose": "Use This Take",
    "--max-cost": "Ceiling per Run",
    "--max-cost-per-day": "Ceiling per Day",
    "--fal-url": "Emulator Address",
    "--without": LEAVE_OUT,
    "--device": "Cycles Device",
}
# Sentences that only help at a terminal.
TERMINAL_SENTENCES = re.compile(r"\s*\bPress Ctrl-C\b[^.]*\.")
COMMANDS = re.compile(r"`resume DIR([^`]*)`")  # Its option says what is meant.
OPTIONS = re.compile(r"`?(--[a-z][a-z0-9-]*)(?: (?:[A-Z][A-Z0-9=_]*\b|cycles\b|fal\b|model\b))?`?")


def window_words(text: str) -> str:
    """A text of a run with the labels of the window in place of options and commands."""
    if "--" not in text and "Ctrl-C" not in text:
        return text
    text = TERMINAL_SENTENCES.sub("", text)
    return OPTIONS.sub(
        _label, COMMANDS.sub(lambda found: found[1].strip() or translated("Resume"), text)
    ).strip()


def _label(found: "re.Match[str]") -> str:
    words = found[0].strip("`")
    label = LABELS.get(words) or LABELS.get(found[1])
    return f"*{translated(label)}*" if label else found[1].removeprefix("--").replace("-", " ")


def with_words(text: str, setting: str, value: str) -> str:
    """``text`` of a finding or a warning, with the checkbox that avoids the problem, where there is one."""
    if setting == "without":
        place = translated("Source"), translated(LEAVE_OUT), translated(value.title())
        return f"{text} ({place[0]}: {place[1]} {place[2]})"
    return text
