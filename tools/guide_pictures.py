# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.guide_pictures FOLDER``: the user guide's pictures from the screenshots of a window test.

FOLDER is what PHOTOREAL_PICTURES named. A picture that is not in it stays as it is.
"""

import sys
from pathlib import Path

from PIL import Image

TARGET = Path(__file__).resolve().parent.parent / "docs" / "images"
BLENDER = "blender-5.2"
COLOURS = 192
WIDTH = 1100
# Left, top, right, bottom of what is shown of each screenshot.
SIDEBAR = (1030, 70, 1340, 905)
PICTURES = {
    "first": (0, 0, 1340, 905),
    "studio": (0, 0, 1340, 905),
    "working": (0, 0, 1340, 1000),
    "price": SIDEBAR,
    "gallery": SIDEBAR,
    "held": SIDEBAR,
    "preferences": (104, 62, 980, 640),
}


def main(folder: Path) -> int:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, box in PICTURES.items():
        path = folder / f"{BLENDER}-{name}.png"
        if not path.is_file():
            continue
        with Image.open(path) as screen:
            shown = screen.convert("RGB").crop(box)
        shown.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
        shown.quantize(COLOURS).save(TARGET / f"guide-{name}.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
