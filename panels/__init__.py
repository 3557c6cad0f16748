# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab, the menu and the preferences: nothing here changes anything."""

from .angles import PHOTOREAL_PT_angles, PHOTOREAL_UL_angles
from .endpoints import CLASSES as ENDPOINT_MENUS
from .gallery import PHOTOREAL_PT_gallery
from .jobs import PHOTOREAL_PT_jobs
from .looks import PHOTOREAL_MT_looks
from .main import PHOTOREAL_PT_main
from .menus import PHOTOREAL_MT_render
from .photos import PHOTOREAL_PT_photo_options, PHOTOREAL_PT_photos
from .preferences import PhotorealPreferences
from .source import PHOTOREAL_PT_model_options, PHOTOREAL_PT_source
from .studio import PHOTOREAL_PT_picture, PHOTOREAL_PT_studio
from .video import PHOTOREAL_PT_video, PHOTOREAL_PT_video_options

CLASSES = (
    PhotorealPreferences,
    PHOTOREAL_UL_angles,
    PHOTOREAL_MT_render,
    PHOTOREAL_MT_looks,
    *ENDPOINT_MENUS,
    PHOTOREAL_PT_main,  # The parent of the others.
    PHOTOREAL_PT_source,
    PHOTOREAL_PT_model_options,
    PHOTOREAL_PT_studio,
    PHOTOREAL_PT_picture,
    PHOTOREAL_PT_angles,
    PHOTOREAL_PT_photos,
    PHOTOREAL_PT_photo_options,
    PHOTOREAL_PT_video,
    PHOTOREAL_PT_video_options,
    PHOTOREAL_PT_jobs,
    PHOTOREAL_PT_gallery,
)
