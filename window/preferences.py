# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the user and not to a scene: the key, where sets go, what may be spent, on what Cycles computes."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty
from bpy.types import AddonPreferences, Context

from . import properties

package = (__package__ or "").rpartition(".")[
    0
]  # That of the extension, whose name differs with the repository it is installed from.

ON_FILE = "Blender keeps this key in clear text in its preferences file."
DEFAULTS: dict[str, Any] = {
    "key_source": "PREFERENCES",
    "fal_key": "",
    "output_folder": "",
    "max_cost": 5.0,
    "max_cost_per_day": 20.0,
    "keep_uploads": False,
    "device": "auto",
    "model_endpoint": "",
    "photo_endpoint": "",
    "video_endpoint": "",
    "fal_url": "",
    "place_when_done": True,
}
DEVICES = (
    ("auto", "Automatic", "A GPU when Cycles finds one, else the CPU"),
    ("cpu", "CPU", "Processor only"),
    ("cuda", "CUDA", "NVIDIA GPU"),
    ("optix", "OptiX", "NVIDIA RTX GPU"),
    ("hip", "HIP", "AMD GPU"),
    ("metal", "Metal", "Apple GPU"),
    ("oneapi", "oneAPI", "Intel GPU"),
)


@dataclass(slots=True)
class Answers:
    """Lines that diagnostics and the test of the key gave, for ``draw``."""

    doctor: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)


answers = Answers()


def _changed(_preferences: AddonPreferences, context: Context) -> None:
    properties.tell_change(context)


class PhotorealPreferences(AddonPreferences):
    bl_idname = package

    key_source: EnumProperty(
        name="Key From",
        description="Where the fal.ai key comes from. Only this one place is looked at",
        items=(
            ("PREFERENCES", "These Preferences", "The key typed in below"),
            ("ENVIRONMENT", "Environment", "The variable FAL_KEY, or the file named by FAL_KEY_FILE"),
        ),
        default="PREFERENCES",
        update=_changed,
    )  # type: ignore[valid-type]
    fal_key: StringProperty(
        name="fal.ai Key",
        description="The key of your fal.ai account: two parts with a colon between them",
        subtype="PASSWORD",
        update=_changed,
    )  # type: ignore[valid-type]
    output_folder: StringProperty(
        name="Output Folder",
        description="Where new sets go. Empty: a folder photoreal beside the saved .blend file",
        subtype="DIR_PATH",
    )  # type: ignore[valid-type]
    max_cost: FloatProperty(
        name="Ceiling a Run",
        description="The most US dollars that one run may spend; 0 is no ceiling",
        default=DEFAULTS["max_cost"],
        min=0.0,
        soft_max=100.0,
        precision=2,
    )  # type: ignore[valid-type]
    max_cost_per_day: FloatProperty(
        name="Ceiling a Day",
        description="The most US dollars that all runs of a day (UTC) may spend; 0 is no ceiling",
        default=DEFAULTS["max_cost_per_day"],
        min=0.0,
        soft_max=500.0,
        precision=2,
    )  # type: ignore[valid-type]
    keep_uploads: BoolProperty(
        name="Keep Uploads",
        description="Let fal.ai keep your pictures as long as your account keeps files, instead of one day",
    )  # type: ignore[valid-type]
    device: EnumProperty(
        name="Cycles Device", description="What Cycles computes on", items=DEVICES, default="auto"
    )  # type: ignore[valid-type]
    model_endpoint: StringProperty(
        name="3D Model Endpoint",
        description="fal endpoint that makes 3D models. Empty: chosen by the number of photos",
        update=_changed,
    )  # type: ignore[valid-type]
    photo_endpoint: StringProperty(
        name="Photo Endpoint",
        description="fal endpoint for photos where a scene names none. Empty: FLUX Kontext",
        update=_changed,
    )  # type: ignore[valid-type]
    video_endpoint: StringProperty(
        name="Film Endpoint",
        description="fal endpoint for films where a scene names none. Empty: Kling",
        update=_changed,
    )  # type: ignore[valid-type]
    fal_url: StringProperty(
        name="Emulator Address",
        description="Try everything without paying: http://127.0.0.1:PORT of a running emulator. No key is sent to it",
        update=_changed,
    )  # type: ignore[valid-type]
    place_when_done: BoolProperty(
        name="Place Finished Sets",
        description="Put the photos into the scene as soon as a set is finished, as one undo step",
        default=True,
    )  # type: ignore[valid-type]

    def draw(self, _context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        self._draw_key(layout.box().column())
        box = layout.box().column(align=True)  # Above the fold: it is looked for when something is wrong.
        box.operator("photoreal.run_doctor", icon="CHECKMARK")
        for line in answers.doctor:
            box.label(text=line)
        column = layout.column()
        column.prop(self, "output_folder")
        column.prop(self, "place_when_done")
        column.prop(self, "device")
        column = layout.column(align=True)
        column.prop(self, "max_cost", text="Ceiling a Run ($)")
        column.prop(self, "max_cost_per_day", text="A Day ($)")
        layout.prop(self, "keep_uploads")
        column = layout.column(align=True)
        column.prop(self, "model_endpoint")
        column.prop(self, "photo_endpoint")
        column.prop(self, "video_endpoint")
        layout.prop(self, "fal_url")

    def _draw_key(self, column: bpy.types.UILayout) -> None:
        column.prop(self, "key_source")
        if self.key_source == "PREFERENCES":
            column.prop(self, "fal_key")
            column.label(text=ON_FILE, icon="INFO")
            if not self.fal_key and _is_in_environment():
                column.label(text="FAL_KEY is set: choose Environment to use it.", icon="INFO")
        elif _is_in_environment():
            column.label(text="FAL_KEY or FAL_KEY_FILE is set.", icon="CHECKMARK")
        else:
            column.label(
                text="Neither FAL_KEY nor FAL_KEY_FILE is set in Blender's environment.", icon="ERROR"
            )
        row = column.row(align=True)
        row.operator("photoreal.test_key", icon="CHECKMARK")
        row.operator("photoreal.forget_key", icon="TRASH")
        for line in answers.key:
            column.label(text=line)


def _is_in_environment() -> bool:
    return any(os.environ.get(name, "").strip() for name in ("FAL_KEY", "FAL_KEY_FILE"))


def get(context: Context) -> Any:
    """The preferences, or their defaults where Blender keeps none (``--addons`` on its command line)."""
    addon = context.preferences.addons.get(package)
    found = addon.preferences if addon else None
    return found if found is not None else SimpleNamespace(**DEFAULTS)


def key_for_child(preferences: Any) -> str | None:
    """What ``child.environment_for`` takes: the typed key, or ``None`` to leave the environment as it is."""
    return None if preferences.key_source == "ENVIRONMENT" else str(preferences.fal_key).strip()


def has_key(preferences: Any) -> bool:
    """Whether a key is there, or an emulator that needs none."""
    if preferences.fal_url:
        return True
    return _is_in_environment() if preferences.key_source == "ENVIRONMENT" else bool(preferences.fal_key)


def output_folder(preferences: Any) -> Path:
    """Where new sets go. The user's home when the file was never saved."""
    if preferences.output_folder:
        return Path(bpy.path.abspath(preferences.output_folder))
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "photoreal"
    return Path.home() / "Photoreal Sets"


CLASSES = (PhotorealPreferences,)
