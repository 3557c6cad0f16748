# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader finds the same words on a locked photo as on its render, whatever the photo made of them."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoreal_set.imaging.fidelity.locking import lock_photo
from tests.printed_product import Light, on_ground, photographed, sloping_ground, view

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("tesseract"), reason="needs tesseract, Debian's tesseract-ocr"),
]

SIZE = 384
LABEL = (slice(142, 250), slice(82, 220))  # Rows and columns of the paper with the words.
SIDE = Light((0.7, 0.3, 0.6), (1.0, 0.85, 0.65), (0.12, 0.14, 0.18), 0.1)
PRODUCTS = (
    ("GREEN TEA", "ORGANIC", "Net 250 g", "Japan"),
    ("Olive Oil", "EXTRA", "750 ml", "Puglia"),
    ("SHAMPOO", "Lavender", "for dry hair", "300 ml"),
    ("COFFEE", "Dark roast", "Arabica", "500 g"),
    ("Honey", "Acacia", "GLASS 340 g", "Hungary"),
)
WRONG = ("GRFEN TFA", "0RGAMC", "Nel 2S0 q", "Jopan")


def words_on(picture: np.ndarray, folder: Path) -> list[str]:
    """The lines that tesseract reads on the enlarged label, without their spaces, of which it is not sure."""
    label = Image.fromarray(picture[LABEL]).convert("L")
    path = folder / "label.png"
    label.resize((label.width * 4, label.height * 4), Image.Resampling.BICUBIC).save(path)
    # The second method of thresholding is Sauvola's, which follows the light across a label as eyes do.
    command = ["tesseract", str(path), "stdout", "--psm", "6", "-c", "thresholding_method=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"OMP_THREAD_LIMIT": "1"})
    return [line.replace(" ", "") for line in done.stdout.splitlines() if line.strip()]


@pytest.mark.parametrize("lines", PRODUCTS, ids=[lines[0] for lines in PRODUCTS])
def test_four_lines_of_a_label_are_read_as_on_the_render(lines: Sequence[str], tmp_path: Path):
    reference = view(SIZE, lines=lines)
    photo = photographed(on_ground(view(SIZE, SIDE, lines=WRONG), sloping_ground(SIZE)), blur=1.2)
    passes = (reference.depth, reference.normal, reference.base_colour)
    locked = lock_photo(photo, reference.picture, reference.mask, *passes)
    wanted = [line.replace(" ", "") for line in lines]
    assert words_on(reference.picture, tmp_path) == wanted
    assert words_on(photo, tmp_path) != wanted
    assert words_on(locked, tmp_path) == wanted
