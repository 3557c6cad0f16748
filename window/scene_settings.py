# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist has set: scene and preferences as the settings of one set, read without touching the disk."""

from pathlib import Path

import bpy

from ..background_run.button_command import PASSES, Settings, Source, View, safe_name
from . import preferences, properties


def settings_of(context: bpy.types.Context) -> Settings:
    """The settings of the scene and the preferences."""
    scene, chosen = context.scene.photoreal, preferences.get(context)
    source = Source(scene.source_kind)
    files: tuple[str, ...] = ()
    if source is Source.FILE and scene.source:
        files = (bpy.path.abspath(scene.source),)
    elif source is Source.PHOTOS:
        files = tuple(bpy.path.abspath(photo.path) for photo in scene.photos if photo.path)
    cameras: tuple[str, ...] | None = None
    if scene.angles_from == properties.CAMERAS:
        of_scene = cameras_of(context.scene) if source is Source.OBJECTS else []
        cameras = tuple(camera.name for camera in of_scene)
    return Settings(
        source=source,
        files=files,
        words=scene.words.strip(),
        engine=scene.engine,
        video=scene.video,
        views=tuple(
            View(name=view.name, azimuth=view.azimuth, elevation=view.elevation, fill=view.fill)
            for view in scene.angles
        ),
        cameras=cameras,
        rig=bpy.path.abspath(scene.panorama) if scene.rig == properties.PANORAMA else scene.rig,
        rig_rotation=scene.rig_rotation,
        rig_intensity=scene.rig_intensity,
        quality=scene.quality,
        width=scene.resolution,
        height=scene.height,
        samples=scene.samples,
        device=chosen.device,
        background=scene.background,
        passes=tuple(name for name in PASSES if getattr(scene, f"{name}_pass")),
        lens=scene.lens,
        f_stop=scene.f_stop if scene.use_f_stop else None,
        film_look=scene.film_look,
        photo_size=scene.photo_size if scene.use_photo_size else None,
        model_endpoint=scene.model_endpoint.strip() or chosen.model_endpoint.strip(),
        photo_endpoint=scene.photo_endpoint.strip() or chosen.photo_endpoint.strip(),
        video_endpoint=scene.video_endpoint.strip() or chosen.video_endpoint.strip(),
        look=scene.look,
        prompt=scene.prompt.as_string() if scene.prompt else "",
        seed=scene.seed if scene.use_seed else None,
        motion=scene.motion,
        seconds=scene.seconds,
        loop=scene.loop,
        keep_uploads=chosen.keep_uploads,
        max_cost=chosen.max_cost,
        max_cost_per_day=chosen.max_cost_per_day,
        fal_url=chosen.fal_url.strip(),
    )


def cameras_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The cameras that take pictures when they are used as they stand: those not hidden from renders."""
    return [item for item in scene.objects if item.type == "CAMERA" and not item.hide_render]


def product_name(context: bpy.types.Context) -> str:
    """What the product is called, fit for a file name."""
    settings = context.scene.photoreal
    match settings.source_kind:
        case "OBJECTS":
            picked = context.active_object or next(iter(context.selected_objects), None)
            return safe_name(picked.name if picked else context.scene.name)
        case "WORDS":
            return safe_name(settings.words)
        case "PHOTOS":
            return safe_name(Path(settings.photos[0].path).stem)
        case _:
            return safe_name(Path(settings.source).stem)
