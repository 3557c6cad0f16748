# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read for the names of jobs and stages in journals and events, which never change."""

_TEXTS = {"film": "video"}


def shown_label(label: str) -> str:
    """The name of a job or a stage in sentences and tables for people."""
    return _TEXTS.get(label, label)
