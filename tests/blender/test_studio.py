# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio renders what it frames and leaves no trace."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from photoreal_set.gltf.findings import terminal_findings
from photoreal_set.messages.errors import InputError
from photoreal_set.optics import rigs
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.sizes import square
from photoreal_set.studio.machine import use_device
from photoreal_set.studio.quality import Quality
from photoreal_set.studio.rig import Studio
from photoreal_set.studio.session import Session

CLEAN = Quality(name="clean", samples=24, bounces=4)


def data_blocks() -> dict[str, set[str]]:
    kinds = (
        "worlds",
        "images",
        "collections",
        "objects",
        "meshes",
        "materials",
        "lights",
        "cameras",
        "node_groups",
    )
    return {kind: {item.name for item in getattr(bpy.data, kind)} for kind in kinds}


def test_the_studio_is_removed_without_a_trace_and_restores_the_world(scene):
    scene.world = bpy.data.worlds.new("My World")
    bpy.ops.mesh.primitive_cube_add()
    before = data_blocks()
    studio = Studio(scene, rigs.REFERENCE)
    for chosen in rigs.RIGS.values():
        studio.use(chosen)
    assert scene.world.name != "My World"
    assert data_blocks() != before
    studio.remove()
    assert scene.world.name == "My World"
    assert data_blocks() == before


def test_a_session_holds_product_camera_and_light_and_renders_what_it_frames(scene, block_file: Path):
    session = Session(scene, block_file, resolution=square(64), device="cpu")
    angle = ANGLES["side"]
    shot = session.shoot(session.framing(angle), angle, CLEAN)
    assert shot.colour.shape == (64, 64, 4)
    assert shot.colour.dtype == np.uint8
    assert shot.shadow.shape == (64, 64)
    assert 0.0 <= shot.shadow.min() <= shot.shadow.max() <= 1.0
    assert shot.shadow.max() > 0.3, "a contact shadow"
    assert terminal_findings(session.product.triage) == []


def test_no_render_can_see_the_ground_only_its_shadow(scene, block_file: Path):
    session = Session(scene, block_file, resolution=square(64), device="cpu")
    angle = replace(ANGLES["front"], fill=0.3)
    shot = session.shoot(session.framing(angle), angle, CLEAN)
    assert (shot.colour[0, :, 3] == 0).all()
    assert (shot.colour[-1, :, 3] == 0).all()


def test_the_cpu_is_always_available_and_a_missing_device_is_reported():
    assert use_device("cpu") == "CPU"
    assert use_device("auto") in {"CPU", "GPU"}
    if use_device("auto") == "CPU":
        for name in ("cuda", "optix", "hip", "metal", "oneapi"):
            with pytest.raises(InputError, match=name) as refused:
                use_device(name)
            assert "cpu" in str(refused.value)
