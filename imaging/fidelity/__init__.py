# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a photo show the product of a render? ``check_photo`` answers with a report, its gates and one verdict."""

from .check import check_photo
from .overlay import draw_overlay, realign
from .reference import Reference
from .report import Gate, Region, Report, State, Verdict
from .verdict import Thresholds

__all__ = [
    "Gate",
    "Reference",
    "Region",
    "Report",
    "State",
    "Thresholds",
    "Verdict",
    "check_photo",
    "draw_overlay",
    "realign",
]
