# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.readme_picture SET_FOLDER``: the README's picture from the demo's photos."""

import json
import sys
from pathlib import Path

from PIL import Image

TARGET = Path(__file__).resolve().parent.parent / "docs" / "images" / "demo.jpg"
SIDE, GAP = 320, 8


def main(folder: Path) -> int:
    record = json.loads((folder / "set.json").read_text(encoding="utf-8"))
    photos = [folder / entry["photo"]["path"] for entry in record["angles"]]
    sheet = Image.new("RGB", (len(photos) * (SIDE + GAP) - GAP, SIDE), "white")
    for index, path in enumerate(photos):
        with Image.open(path) as photo:
            sheet.paste(
                photo.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS), (index * (SIDE + GAP), 0)
            )
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(TARGET, quality=88)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
