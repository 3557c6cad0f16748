# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of checking a product: ``python -m benchmarks.triage [--triangles N]``. Free.

A ball of that many triangles, with normals and UVs, is imported by Blender alone and then by the studio. The ratio
of the two is the cost: it does not depend on how fast the machine is.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from command_line.bootstrap import load_package

load_package()

import bpy  # noqa: E402  The package has to be loaded first.

from photoreal_set.studio import mesh_facts, triage  # noqa: E402
from photoreal_set.studio.coincident import find_coincident  # noqa: E402
from photoreal_set.studio.one_sided import judge_sides  # noqa: E402
from photoreal_set.studio.product import import_product  # noqa: E402
from photoreal_set.studio.quiet import quiet_blender  # noqa: E402
from photoreal_set.studio.visible import visible_meshes  # noqa: E402
from tests.blender.shapes import ball, product  # noqa: E402

ROUNDS = 3  # The minimum: other load on the machine only adds.


def seconds(work: Callable[[], object]) -> float:
    """CPU time, independent of other load."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--triangles", type=int, default=1_000_000)
    wanted = parser.parse_args().triangles
    around = round(wanted**0.5)  # A ball has about its square of triangles.
    with tempfile.TemporaryDirectory() as folder:
        path = product(ball(around=around)).write(Path(folder) / "ball.glb")
        plain, studio, looked = [], [], []
        for _round in range(ROUNDS):
            with quiet_blender():
                bpy.ops.wm.read_factory_settings(use_empty=True)
                plain.append(seconds(lambda: bpy.ops.import_scene.gltf(filepath=str(path))))
                bpy.ops.wm.read_factory_settings(use_empty=True)
                found = []
                studio.append(seconds(lambda: found.append(import_product(path, bpy.context.scene))))  # noqa: B023
            (thing,) = found

            def look() -> None:
                facts = mesh_facts.measure(visible_meshes(thing.collection))  # noqa: B023
                facings = judge_sides(facts)
                lifts = find_coincident(facts, facings, max(thing.size_m))  # noqa: B023
                list(triage.find_problems(facts, facings, lifts, thing.size_m))  # noqa: B023

            looked.append(seconds(look))
    print(f"Blender {bpy.app.version_string}, {thing.triangles:,} triangles, best of {ROUNDS}")
    print(f"import by Blender alone   {min(plain):6.2f} s")
    print(f"import into the studio    {min(studio):6.2f} s   {min(studio) / min(plain):.2f} of it")
    print(f"of that, looking through  {min(looked):6.2f} s   {min(looked) / min(plain):.2f} of it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
