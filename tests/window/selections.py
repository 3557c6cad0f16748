# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a real Blender in the background: how far each selection of an artist is from the model in the studio.

``SELECTIONS {name: metres}`` is printed: the maximum distance between a corner of the selected cube and that
of the photographed model.
"""

import json
import sys
import tempfile
from pathlib import Path

import bpy

sys.path.insert(0, "/project")  # Blender ignores PYTHONPATH.

from tests.blender.artist_scenes import PLACE, SELECTIONS, SIZE, Make, box_of, write_library


def distance(make: Make, folder: Path) -> float:
    # Factory settings would disable the extension, and Blender then takes its wheels away.
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    from bl_ext.user_default.photoreal_set.studio.blend_file import convert_to_glb
    from bl_ext.user_default.photoreal_set.window.selection import external_folders, write_selection

    make(folder / "library.blend")
    copy = write_selection(bpy.context, with_cameras=False)
    convert_to_glb(copy, folder / "copy.glb", list(map(Path, external_folders())))
    wanted = [[place + side * SIZE / 2.0 for place in PLACE] for side in (-1.0, 1.0)]
    found = box_of(folder / "copy.glb")
    return max(
        abs(one - other)
        for corners in zip(wanted, found, strict=True)
        for one, other in zip(*corners, strict=True)
    )


with tempfile.TemporaryDirectory() as place:
    write_library(Path(place) / "library.blend")
    distances = {make.__name__: distance(make, Path(place)) for make in SELECTIONS}
    sys.stdout.write(f"SELECTIONS {json.dumps(distances)}\n")
