# SPDX-License-Identifier: GPL-3.0-or-later
"""Which page of the manual explains what: for *Online Manual* in Blender's context menus, and for *Help*.

The pages come with the extension (``tools/manual.py`` makes them), so they fit its version and need no network. A checkout of
the repository has them as Markdown.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import bpy

from .engine_properties import PhotoProperties, VideoProperties
from .preferences import StoredPreferences
from .properties import PhotorealPhoto, PhotorealSettings, SourceProperties
from .studio_properties import AngleProperties, ModelProperties, PhotorealAngle, StudioProperties

ROOT = Path(__file__).resolve().parent.parent
GUIDE = "user-guide"
KEY = "user-guide#falai-key-price-ceilings"
ENDPOINTS = "endpoints#other-endpoints"

# Operators by the page that explains them.
OPERATORS: Mapping[str, str] = {
    GUIDE: "open_manual",
    "user-guide#the-first-set-free": "generate_set generate_here close_notice show_result",
    "user-guide#source": "import_product import_photos remove_photo generate_model choose_folder",
    "user-guide#studio": "build_studio show_studio remove_studio edit_product render_references save_look "
    "default_look",
    "user-guide#angles": "add_angle remove_angle move_angle edit_angles use_cameras frame_angle step_angle",
    "user-guide#photos": "new_prompt",
    ENDPOINTS: "choose_endpoint",
    "user-guide#jobs": "resume_set cancel_here cancel_at_fal show_run view_request",
    "sets#when-the-answer-to-a-paid-request-is-lost": "resolve_uncertain",
    "user-guide#gallery": (
        "open_set open_folder open_report open_picture flip_picture compare_pictures step_take choose_take "
        "place_photos place_video export_set accept_photo redo_angle redo_model mark_asset to_compositor"
    ),
    "user-guide#a-catalogue-from-the-scene": "generate_catalogue resume_catalogue open_results",
    KEY: "ask_price test_key forget_key open_preferences",
    "user-guide#when-something-is-wrong": "run_doctor copy_text",
}

# Properties that another page explains than the rest of their group.
PROPERTIES: Mapping[str, str] = {
    "sets#what-a-set-contains": "folder output_folder",
    "studio#light": "rig panorama rig_rotation rig_turn rig_intensity",
    "studio#quality": "quality use_samples samples",
    "studio#depth-of-field": "use_f_stop f_stop",
    "studio#pose": "pose pose_seconds",
    "variants": "variant",
    "studio#graphics-cards": "device",
    "channels#channels": "channel",
    "cameras#depth-and-normals": "depth_pass normal_pass",
    "endpoints#photos-guided-by-depth-or-edges": "guide",
    "endpoints#only-the-product-changes": "with_mask",
    ENDPOINTS: "model_endpoint photo_endpoint video_endpoint photo_option video_option",
    "sets#photos-that-are-checked": "fidelity retries",
    "locking": "lock",
    "spin": "use_spin spin",
    "costs#ceilings": "use_max_cost max_cost use_max_cost_per_day max_cost_per_day",
    "privacy#choose-another-time": "expiration",
    "privacy#private-results": "private",
    "user-guide#studio": "studio_shading default_look",
    "user-guide#gallery": "place_when_done",
}
# Groups of properties: the class of Blender that has them, and the page for those that are not listed above.
GROUPS: tuple[tuple[type, str, str], ...] = (
    (PhotorealPhoto, "PhotorealPhoto", "user-guide#source"),
    (SourceProperties, "PhotorealSettings", "user-guide#source"),
    (ModelProperties, "PhotorealSettings", "user-guide#source"),
    (StudioProperties, "PhotorealSettings", "user-guide#studio"),
    (AngleProperties, "PhotorealSettings", "user-guide#angles"),
    (PhotorealAngle, "PhotorealAngle", "user-guide#angles"),
    (PhotoProperties, "PhotorealSettings", "user-guide#photos"),
    (VideoProperties, "PhotorealSettings", "user-guide#video"),
    (PhotorealSettings, "PhotorealSettings", GUIDE),
    (StoredPreferences, "PhotorealPreferences", KEY),
)


def targets() -> Iterator[tuple[str, str]]:
    """Blender's name of each operator and property, in lower case, and its page: ``name`` or ``name#heading``."""
    for target, names in OPERATORS.items():
        for name in names.split():
            yield f"bpy.ops.photoreal.{name}", target
    listed = {name: target for target, names in PROPERTIES.items() for name in names.split()}
    for group, owner, usual in GROUPS:
        for name in group.__annotations__:
            yield f"bpy.types.{owner}.{name}".lower(), listed.get(name, usual)


def address(target: str) -> str:
    """The address of a page, or of a heading on it."""
    folder, suffix = _pages()
    page, mark, heading = target.partition("#")
    return f"{folder.as_uri()}/{page}{suffix}{mark}{heading}"


def _pages() -> tuple[Path, str]:
    built = ROOT / "manual"
    return (built, ".html") if built.is_dir() else (ROOT / "docs", ".md")


def _manual_map() -> tuple[str, tuple[tuple[str, str], ...]]:
    """What Blender asks for when someone chooses *Online Manual*: a prefix, and patterns with the rest of the address."""
    return "", tuple((name, address(target)) for name, target in targets())


def attach() -> None:
    bpy.utils.register_manual_map(_manual_map)


def detach() -> None:
    bpy.utils.unregister_manual_map(_manual_map)
