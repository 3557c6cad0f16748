# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab: it only draws what is there."""

from .angles import PHOTOREAL_PT_angles, PHOTOREAL_UL_angles
from .gallery import PHOTOREAL_PT_gallery
from .jobs import PHOTOREAL_PT_jobs
from .main import PHOTOREAL_PT_main
from .menus import PHOTOREAL_MT_render
from .photos import PHOTOREAL_PT_photos
from .source import PHOTOREAL_PT_source
from .studio import PHOTOREAL_PT_studio
from .video import PHOTOREAL_PT_video

CLASSES = (
    PHOTOREAL_UL_angles,
    PHOTOREAL_MT_render,
    PHOTOREAL_PT_main,  # The others name it as their parent.
    PHOTOREAL_PT_source,
    PHOTOREAL_PT_studio,
    PHOTOREAL_PT_angles,
    PHOTOREAL_PT_photos,
    PHOTOREAL_PT_video,
    PHOTOREAL_PT_jobs,
    PHOTOREAL_PT_gallery,
)
