# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender and this machine can do."""

from dataclasses import dataclass

import bpy

from . import compat

BACKENDS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Something Cycles can compute on; ``backend`` is the word of ``--device``."""

    backend: str
    name: str


def gpu_devices() -> list[Device]:
    """The GPUs that Cycles finds. Only for a background Blender: it changes Cycles' preferences.

    Each back end is asked by itself: asking for all of them at once crashes on some mixed machines.
    """
    preferences = bpy.context.preferences.addons["cycles"].preferences
    found = []
    for backend in BACKENDS:
        try:
            preferences.compute_device_type = backend
        except TypeError:
            continue  # This build was made without that back end.
        preferences.refresh_devices()
        for device in preferences.devices:
            if device.type == backend:
                found.append(Device(backend=backend.lower(), name=device.name))
    preferences.compute_device_type = "NONE"
    return found


def has_denoiser() -> bool:
    """Whether this build has OpenImageDenoise."""
    scene = bpy.data.scenes.new("Photoreal Diagnosis")
    try:
        return compat.set_denoiser(scene, next(iter(compat.DENOISERS)))
    finally:
        bpy.data.scenes.remove(scene)
