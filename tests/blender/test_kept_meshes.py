# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles keeps the meshes of a product from picture to picture."""

from pathlib import Path

import bpy

from photoreal_set.optics.angles import ANGLES, Angle
from photoreal_set.optics.sizes import square
from photoreal_set.studio.quality import DRAFT
from photoreal_set.studio.session import Session


def meshes_read_for(session: Session, angle: Angle) -> set[str]:
    """The meshes of the product that Cycles reads from Blender for a picture, from its status messages."""
    names = {item.name for item in session.product.collection.all_objects if item.type == "MESH"}
    read = set()

    def hear(status: str, *_more: object) -> None:
        if (last := str(status).split("|")[-1].strip()) in names:
            read.add(last)

    bpy.app.handlers.render_stats.append(hear)
    try:
        session.shoot(session.framing(angle), angle, DRAFT)
    finally:
        bpy.app.handlers.render_stats.remove(hear)
    return read


def test_a_product_that_turns_is_read_once(scene, block_file: Path):
    session = Session(scene, block_file, resolution=square(32), device="cpu")
    assert meshes_read_for(session, ANGLES["front"])
    assert not meshes_read_for(session, ANGLES["side"])
    assert not meshes_read_for(session, ANGLES["top"])
