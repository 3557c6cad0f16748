# SPDX-License-Identifier: GPL-3.0-or-later
"""Every product in every light, for visual review: ``python -m benchmarks.contact_sheets --out DIR [GLB …]``.

Writes one sheet for each rig: a row for each product (those made in code, and the GLB files that are named),
a column for each angle.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks import products
from command_line.bootstrap import load_package

load_package()

from photoreal_set.imaging.choices import Background  # noqa: E402
from photoreal_set.imaging.compose import compose  # noqa: E402
from photoreal_set.optics import rigs  # noqa: E402
from photoreal_set.optics.angles import ANGLES  # noqa: E402  The package has to be loaded first.
from photoreal_set.optics.sizes import square  # noqa: E402
from photoreal_set.studio.quality import QUALITIES  # noqa: E402
from photoreal_set.studio.session import open_session  # noqa: E402

ROW = 4  # Products in a row of the sheet.


def main() -> int:

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="GLB")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--side", type=int, default=320, metavar="N", help="pixels of a picture")
    parser.add_argument("--angle", default="three-quarter", choices=list(ANGLES))
    parser.add_argument("--rig", action="append", default=[], choices=[*rigs.RIGS, "reference"])
    parser.add_argument("--product", action="append", default=[], choices=list(products.PRODUCTS))
    parser.add_argument("--quality", default="reference", choices=list(QUALITIES))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lights = {**rigs.RIGS, "reference": rigs.REFERENCE}
    names = options.rig or list(lights)
    angle = ANGLES[options.angle]
    pictures: dict[str, list[tuple[str, Image.Image]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        models = [path.absolute() for path in options.models]
        for name in options.product or [name for name in products.PRODUCTS if name != "million"]:
            models.append(products.write_product(products.PRODUCTS[name], Path(folder) / f"{name}.glb"))
        for model in models:
            with open_session(model, resolution=square(options.side), device="cpu", name="") as session:
                for name in names:
                    background = Background.BLACK if name == "dark-field" else Background.WHITE
                    session.light(lights[name])
                    session.stand_before(background)
                    shot = session.shoot(session.framing(angle), angle, QUALITIES[options.quality])
                    picture = compose(shot.colour, shot.shadow, background, shot.through)
                    pictures[name].append((model.stem, picture))
    for name, taken in pictures.items():
        _sheet(taken, options.side).save(options.out / f"{name}.png")
        print(options.out / f"{name}.png", file=sys.stderr)
    return 0


def _sheet(pictures: list[tuple[str, Image.Image]], side: int) -> Image.Image:
    rows = -(-len(pictures) // ROW)
    sheet = Image.new("RGB", (ROW * side, rows * side), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (name, picture) in enumerate(pictures):
        corner = (index % ROW * side, index // ROW * side)
        sheet.paste(picture, corner)
        draw.text((corner[0] + 6, corner[1] + 4), name, fill=(128, 128, 128))
    return sheet


if __name__ == "__main__":
    sys.exit(main())
