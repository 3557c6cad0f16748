# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue's Blender that also records which data-blocks are left after each product.

``python -m tests.blender.counting_worker FILE``: one JSON object per line, the number of data-blocks of each kind.
"""

import json
import sys
from pathlib import Path

import bpy

from command_line.bootstrap import load_package

load_package()

from photoreal_set.messages.progress import JsonReporter  # noqa: E402
from photoreal_set.studio import render_server  # noqa: E402  The package has to be loaded first.


def counts() -> dict[str, int]:
    kinds = [item.identifier for item in bpy.data.bl_rna.properties if item.type == "COLLECTION"]
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


def main() -> int:
    record = Path(sys.argv[1])
    empty = render_server.empty_blender

    def empty_and_count() -> None:
        empty()
        with record.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(counts()) + "\n")

    render_server.empty_blender = empty_and_count
    return render_server.serve(sys.stdin, JsonReporter(sys.stdout))


if __name__ == "__main__":
    sys.exit(main())
