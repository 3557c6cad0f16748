# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the user and not to a scene: the key, the output folder, ceilings, the device of Cycles."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty
from bpy.types import AddonPreferences, Context

from ..background_run.run_view import Kind
from ..fal_bridge.network.lifecycle import DAY_SECONDS
from ..photo_set.choices import AUTO_DEVICE, DEVICES
from .blender_types import with_properties
from .changes import changed, used
from .labels import DEVICE_LABELS

# The values are those of --expiration.
EXPIRATIONS = (
    ("3600", "After One Hour", "A request that waits longer in the queue may no longer find its pictures"),
    (str(DAY_SECONDS), "After One Day", "Long enough for every request"),
    (str(7 * DAY_SECONDS), "After One Week", "Results can be fetched again for a week"),
    (str(30 * DAY_SECONDS), "After One Month", "Results can be fetched again for a month"),
    ("keep", "Never", "Files are kept as long as your account keeps files"),
)

CEILINGS = ("max_cost", "max_cost_per_day")

# That of the extension; its name depends on the repository that it is installed from.
package = (__package__ or "").rpartition(".")[0]


@dataclass(slots=True)
class Answers:
    """Lines of the diagnostics and of the key test, for the preferences to draw."""

    doctor: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)


answers = Answers()


def answers_to(kind: Kind) -> list[str]:
    """The lines of the key test (``Kind.KEY``) or of the diagnostics."""
    return answers.key if kind is Kind.KEY else answers.doctor


@with_properties
class StoredPreferences:
    """The values that Blender keeps in its preferences. ``panels.preferences`` registers and draws them."""

    key_source: Annotated[
        str,
        EnumProperty(
            name="Key From",
            description="Where the fal.ai key comes from. Only this place is used",
            items=(
                ("PREFERENCES", "These Preferences", "The key entered below"),
                ("ENVIRONMENT", "Environment", "The variable FAL_KEY, or the file named by FAL_KEY_FILE"),
            ),
            default="PREFERENCES",
            update=changed,
        ),
    ]
    fal_key: Annotated[
        str,
        StringProperty(
            name="fal.ai Key",
            description="The key of your fal.ai account: two parts with a colon between them",
            subtype="PASSWORD",
            update=changed,
        ),
    ]
    output_folder: Annotated[
        str,
        StringProperty(
            name="Output Folder",
            description="Folder for new sets. Empty: a folder named photoreal beside the saved .blend file",
            subtype="DIR_PATH",
        ),
    ]
    use_max_cost: Annotated[
        bool,
        BoolProperty(
            name="Ceiling per Run",
            description="Refuse a run that costs more than this",
            default=True,
            update=changed,
        ),
    ]
    max_cost: Annotated[
        float,
        FloatProperty(
            name="Ceiling per Run (US$)",
            description="Maximum cost of one run in US dollars",
            default=5.0,
            min=0.0,
            update=used("max_cost"),
            soft_max=100.0,
            precision=2,
        ),
    ]
    use_max_cost_per_day: Annotated[
        bool,
        BoolProperty(
            name="Ceiling per Day",
            description="Send nothing more on a day (UTC) on which this was spent",
            default=True,
            update=changed,
        ),
    ]
    max_cost_per_day: Annotated[
        float,
        FloatProperty(
            name="Ceiling per Day (US$)",
            description="Maximum cost of all runs of a day (UTC) in US dollars",
            default=20.0,
            min=0.0,
            update=used("max_cost_per_day"),
            soft_max=500.0,
            precision=2,
        ),
    ]
    expiration: Annotated[
        str,
        EnumProperty(
            name="Delete at fal.ai",
            description="When fal.ai deletes the pictures you send and the results. Until then, anyone who knows the address can open them",
            items=EXPIRATIONS,
            default=str(DAY_SECONDS),
        ),
    ]
    private: Annotated[
        bool,
        BoolProperty(
            name="Private Results",
            description="Results can be read only with your key. Pictures that are sent cannot be restricted",
        ),
    ]
    default_look: Annotated[
        str,
        StringProperty(
            name="Look of New Files",
            description="A look that every new file begins with. Empty: none",
        ),
    ]
    studio_shading: Annotated[
        str,
        EnumProperty(
            name="Studio Opens In",
            description="Shading of the viewport when a studio is built",
            items=(
                ("RENDERED", "Rendered", "Cycles: the light, the background and the shadow of the photos"),
                (
                    "MATERIAL",
                    "Material Preview",
                    "EEVEE with the light of the studio: faster, without the shadow",
                ),
            ),
            default="RENDERED",
        ),
    ]
    device: Annotated[
        str,
        EnumProperty(
            name="Cycles Device",
            description="Device that Cycles renders on",
            items=[(name, *DEVICE_LABELS[name]) for name in DEVICES],
            default=AUTO_DEVICE,
        ),
    ]
    model_endpoint: Annotated[
        str,
        StringProperty(
            name="3D Model Endpoint",
            description="fal endpoint for 3D models. Empty: chosen by the number of photos",
            update=changed,
        ),
    ]
    photo_endpoint: Annotated[
        str,
        StringProperty(
            name="Photo Endpoint",
            description="fal endpoint for photos, unless a scene names one. Empty: FLUX Kontext",
            update=changed,
        ),
    ]
    video_endpoint: Annotated[
        str,
        StringProperty(
            name="Video Endpoint",
            description="fal endpoint for videos, unless a scene names one. Empty: Kling",
            update=changed,
        ),
    ]
    fal_url: Annotated[
        str,
        StringProperty(
            name="Emulator Address",
            description="Try everything without paying: http://127.0.0.1:PORT of a running emulator. Your key is not sent to it",
            update=changed,
        ),
    ]
    place_when_done: Annotated[
        bool,
        BoolProperty(
            name="Place Finished Sets",
            description="Place the photos in the scene as soon as a set is finished, as one undo step",
            default=True,
        ),
    ]


def _defaults() -> dict[str, Any]:
    """What Blender takes for each property that is not set, read from its definition."""
    empty = {StringProperty: "", BoolProperty: False, FloatProperty: 0.0}
    return {
        name: item.keywords.get("default", empty.get(item.function))
        for name, item in StoredPreferences.__annotations__.items()
    }


DEFAULTS = _defaults()


def get(context: Context) -> StoredPreferences:
    """The preferences, or their defaults where Blender keeps none (``--addons`` on its command line)."""
    stored = context.preferences
    addon = stored.addons.get(package) if stored else None
    if addon and isinstance(addon.preferences, StoredPreferences):
        return addon.preferences
    defaults = StoredPreferences()
    for name, value in DEFAULTS.items():
        setattr(defaults, name, value)
    return defaults


def ceiling(preferences: StoredPreferences, name: str) -> float:
    """The ceiling ``max_cost`` or ``max_cost_per_day`` in US dollars; 0.0 without one."""
    return float(getattr(preferences, name)) if getattr(preferences, f"use_{name}") else 0.0


def attach() -> None:
    """Turn off the ceilings that are stored as 0, which meant none before there were checkboxes."""
    stored = get(bpy.context)
    for name in CEILINGS:
        if isinstance(stored, AddonPreferences) and getattr(stored, name) <= 0.0:
            setattr(stored, name, DEFAULTS[name])
            setattr(stored, f"use_{name}", False)


def detach() -> None:
    """Nothing: Blender keeps its preferences."""


def key_for_child(preferences: StoredPreferences) -> str | None:
    """The key for ``child.environment_for``: the entered one, or ``None`` to leave the environment as it is."""
    return None if preferences.key_source == "ENVIRONMENT" else str(preferences.fal_key).strip()


def has_key(preferences: StoredPreferences) -> bool:
    """Whether there is a key, or an emulator that needs none."""
    if preferences.fal_url:
        return True
    return is_in_environment() if preferences.key_source == "ENVIRONMENT" else bool(preferences.fal_key)


def is_in_environment() -> bool:
    """Whether the environment of this Blender names a key."""
    return any(os.environ.get(name, "").strip() for name in ("FAL_KEY", "FAL_KEY_FILE"))


def output_folder(preferences: StoredPreferences) -> Path:
    """Where new sets go. In the user's home while the file was never saved."""
    if preferences.output_folder:
        return Path(bpy.path.abspath(preferences.output_folder))
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "photoreal"
    return Path.home() / "Photoreal Sets"
