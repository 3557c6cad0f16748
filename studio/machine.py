# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender and this machine can do."""

from dataclasses import dataclass
from typing import Any

import bpy

from ..messages.errors import InputError
from . import compat

BACKENDS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")  # The best of several first.


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Something Cycles can compute on; ``backend`` is the word of ``--device``."""

    backend: str
    name: str


def gpu_devices() -> list[Device]:
    """The GPUs that Cycles finds. Only for a background Blender: it changes Cycles' preferences."""
    preferences = _preferences()
    found = [
        Device(backend=backend.lower(), name=device.name)
        for backend in BACKENDS
        for device in _devices_of(preferences, backend)
    ]
    preferences.compute_device_type = "NONE"
    return found


def use_device(wanted: str) -> str:
    """Make Cycles compute on ``wanted`` (cpu, auto or a GPU back end); the scene's device word.

    Raises InputError when a named back end has no device here.
    """
    if wanted == "cpu":
        return "CPU"
    preferences = _preferences()
    for backend in BACKENDS if wanted == "auto" else (wanted.upper(),):
        if _devices_of(preferences, backend):
            for device in preferences.devices:
                device.use = device.type == backend
            return "GPU"
    preferences.compute_device_type = "NONE"
    if wanted != "auto":
        raise InputError(f"Cycles finds no {wanted} device here.", hint="Use --device auto or --device cpu.")
    return "CPU"


def has_denoiser() -> bool:
    """Whether this build has OpenImageDenoise."""
    scene = bpy.data.scenes.new("Photoreal Diagnosis")
    try:
        return compat.set_denoiser(scene, next(iter(compat.DENOISERS)))
    finally:
        bpy.data.scenes.remove(scene)


def _preferences() -> Any:
    return bpy.context.preferences.addons["cycles"].preferences


def _devices_of(preferences: Any, backend: str) -> list[Any]:
    """Each back end is asked by itself: asking for all of them at once crashes on some mixed machines."""
    try:
        preferences.compute_device_type = backend
    except TypeError:
        return []  # This build was made without it.
    preferences.refresh_devices()
    return [device for device in preferences.devices if device.type == backend]
