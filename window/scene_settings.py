# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of one set, read from the scene and the preferences without touching the disk."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import bpy

from ..background_run.button_arguments import Settings, Source, View
from ..files.names import file_rule, safe_name
from ..gltf.choices import Surrounding
from ..imaging.choices import Pass
from . import preferences, properties, studio_properties
from .blender_types import scene_of
from .engine_properties import NO_GUIDE


def settings_of(context: bpy.types.Context, source: Source | None = None) -> Settings:
    """The settings of the context's scene and of the preferences. ``source``: another one than that of the scene."""
    scene, chosen = properties.of_context(context), preferences.get(context)
    source = source or Source(scene.source_kind)
    members = {
        **_same_named(scene),
        "source": source,
        "files": _files(scene, source),
        "text": scene.words.strip(),
        "variant": scene.variant.strip(),
        "views": _views(scene),
        "cameras": _camera_names(context, source),
        "rig": bpy.path.abspath(scene.panorama) if scene.rig == studio_properties.PANORAMA else scene.rig,
        "width": scene.resolution,
        "passes": tuple(kind.value for kind in Pass if getattr(scene, f"{kind.value}_pass")),
        "height": scene.height if scene.use_height else 0,
        "samples": scene.samples if scene.use_samples else 0,
        "seconds": scene.seconds if scene.use_seconds else 0,
        "guide": scene.guide if scene.guide != NO_GUIDE else None,
        "photo_option": _inputs(scene.photo_option),
        "video_option": _inputs(scene.video_option),
        "pose": f"{scene.pose_seconds:g}" if scene.pose == studio_properties.SECONDS else scene.pose,
        "without": tuple(kind.value for kind in Surrounding if getattr(scene, f"without_{kind.value}")),
        "model_endpoint": scene.model_endpoint.strip() or chosen.model_endpoint.strip(),
        "photo_endpoint": scene.photo_endpoint.strip() or chosen.photo_endpoint.strip(),
        "video_endpoint": scene.video_endpoint.strip() or chosen.video_endpoint.strip(),
        "prompt": scene.prompt.as_string().strip() if scene.prompt else "",
        "device": chosen.device,
        "expiration": chosen.expiration,
        "private": chosen.private,
        "max_cost": preferences.ceiling(chosen, "max_cost"),
        "max_cost_per_day": preferences.ceiling(chosen, "max_cost_per_day"),
        "fal_url": chosen.fal_url.strip(),
    }
    return Settings(**members)


def _same_named(scene: properties.PhotorealSettings) -> dict[str, Any]:
    """The properties that are settings by the same name; ``None`` for one that its checkbox, ``use_…``, turns off."""
    return {
        item.name: getattr(scene, item.name) if getattr(scene, f"use_{item.name}", True) else None
        for item in fields(Settings)
        if hasattr(scene, item.name)
    }


def _inputs(text: str) -> tuple[str, ...]:
    """The inputs of an endpoint in a field: NAME=VALUE, separated by semicolons."""
    return tuple(part for one in text.split(";") if (part := one.strip()))


def _files(scene: properties.PhotorealSettings, source: Source) -> tuple[str, ...]:
    match source:
        case Source.FILE if scene.source:
            return (bpy.path.abspath(scene.source),)
        case Source.PHOTOS:
            return tuple(bpy.path.abspath(photo.path) for photo in scene.photos if photo.path)
        case _:
            return ()


def _views(scene: properties.PhotorealSettings) -> tuple[View, ...]:
    return tuple(
        View(name=view.name, azimuth=view.azimuth, elevation=view.elevation, fill=view.fill)
        for view in scene.angles
    )


def _camera_names(context: bpy.types.Context, source: Source) -> tuple[str, ...] | None:
    """The cameras that are used unchanged; none yet for those of a file, ``None`` with the list of angles."""
    scene = properties.of_context(context)
    if scene.angles_from != studio_properties.CAMERAS:
        return None
    if source is not Source.OBJECTS:
        return ()
    return tuple(camera.name for camera in cameras_of(scene_of(context)))


def cameras_of(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The cameras of a scene that take pictures when cameras are used unchanged: those not hidden from renders.

    A studio with the artist's own objects has those of the scene that it was built for, another one those that came
    with the product.
    """
    settings = properties.of(scene)
    if settings.is_studio and settings.is_linked and settings.home:
        objects: Iterable[bpy.types.Object] = settings.home.objects
    elif settings.is_studio:
        product = studio_product(scene)
        objects = product.all_objects if product else ()
    else:
        objects = scene.objects
    return [item for item in objects if item.type == "CAMERA" and not item.hide_render]


def studio_product(scene: bpy.types.Scene) -> bpy.types.Collection | None:
    """The collection with the product of a studio."""
    children = scene.collection.children if scene.collection else ()
    return next((one for one in children if cast(Any, one).get("photoreal_part") == "product"), None)


def product_objects(context: bpy.types.Context) -> list[bpy.types.Object]:
    """What is photographed when the source is a selection, besides children.

    In a studio that is everything that is visible of its product.
    """
    scene = scene_of(context)
    if not properties.of(scene).is_studio:
        layer = context.view_layer  # A timer's context has no ``selected_objects``.
        return (
            [item for item in layer.objects.selected if item.visible_get(view_layer=layer)] if layer else []
        )
    product = studio_product(scene)
    return [item for item in product.all_objects if item.visible_get()] if product else []


def product_name(context: bpy.types.Context) -> str:
    """The name of the product, fit for a file name."""
    settings = properties.of_context(context)
    match Source(settings.source_kind):
        case Source.OBJECTS:
            layer = context.view_layer
            active = layer.objects.active if layer else None
            picked = active or next(iter(product_objects(context)), None)
            name = settings.studio_name or (picked.name if picked else scene_of(context).name)
        case Source.TEXT:
            name = settings.words
        case Source.PHOTOS:
            name = Path(settings.photos[0].path).stem
        case Source.FILE:
            name = Path(settings.source).stem
    return safe_name(name, file_rule("product"))
