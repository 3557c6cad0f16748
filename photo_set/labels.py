# SPDX-License-Identifier: GPL-3.0-or-later
"""How the requests of a set are called in its journal, in events and in price tables.

Journals on disk hold these names, so they do not change: "film" is the video.
"""

from ..fal_bridge.jobs import SET_WIDE, Kind

CONCEPT_LABEL = "concept picture"
MODEL_LABEL = "3D model"
VIDEO_LABEL = SET_WIDE[Kind.VIDEO]


def photo_label(angle: str) -> str:
    return f"{angle} photo"


def retry_label(angle: str) -> str:
    """In price tables: further photos after a rejected one. In the journal they have the label of the photo."""
    return f"{angle} retry"


def enlargement_label(angle: str) -> str:
    return f"{angle} enlargement"


def label_of_variant(variant: str, label: str) -> str:
    """In events and price tables: a request for another variant than the first. Its own journal has only ``label``."""
    return f"{variant}: {label}"
