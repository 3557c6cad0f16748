# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may choose for a set, in one place for the command line, catalogues and the sidebar.

Imports no package, because a Blender with a window loads it. Choices that carry more than a name are beside what
they mean: looks and motions in ``prompts``, rigs in ``optics.rig_choice``, angles in ``optics.angles``.
"""

from enum import StrEnum


class Engine(StrEnum):
    """Who makes photos or the video: Cycles on this machine, or a model at fal.ai."""

    CYCLES = "cycles"
    FAL = "fal"


class Fidelity(StrEnum):
    """What happens to photos by fal.ai that are compared with their renders."""

    OFF = "off"  # They are not compared.
    REPORT = "report"  # The verdict is recorded, and nothing else changes.
    GATE = "gate"  # They are aligned, requested again or rejected by their verdict.


MAX_RETRIES = 9  # Of one photo that was rejected.

NO_VIDEO = "none"
FROM_RENDER_ENDPOINT = (
    "minimax/h3-max/3d-to-video"  # Makes the video from a video by Cycles: recommended, not the default.
)
VIDEO_CHOICES = (*(engine.value for engine in Engine), NO_VIDEO)

AUTO_DEVICE = "auto"
DEVICES = (AUTO_DEVICE, "cpu", "cuda", "optix", "hip", "metal", "oneapi")

REFERENCE, FINAL = "reference", "final"
QUALITY_NAMES = ("draft", REFERENCE, FINAL)

LANCZOS = "lanczos"  # Enlarges on this machine, free of charge, in place of an upscale endpoint.

MAX_PHOTOS = 4  # Source photos of one product.
MAX_SEED = (1 << 32) - 1  # Image models take seeds of 32 bits without a sign.
MAX_SAMPLES = 16384  # More samples change nothing that eight bits can show.
MAX_SECONDS = 600  # No endpoint makes a longer video; each has a list of lengths, which is checked too.
MAX_INLINE_KB = 65536
