# SPDX-License-Identifier: GPL-3.0-or-later
"""The real command line that also records how many pictures each product in the studio was rendered for.

``python -m tests.blender.counting_renders FILE COMMAND …``: a line in FILE for each picture, the number of its studio.
"""

import sys
from pathlib import Path

from command_line.bootstrap import load_package

load_package()

from photoreal_set.command_line.main import run  # noqa: E402  The package has to be loaded first.
from photoreal_set.studio.render import Renderer  # noqa: E402

studios: list[Renderer] = []


def counted(record: Path) -> None:
    """Let every renderer write its number into ``record`` for each picture."""
    shoot = Renderer.shoot

    def counting(self: Renderer, *arguments: object) -> object:
        if self not in studios:
            studios.append(self)
        with record.open("a", encoding="utf-8") as lines:
            lines.write(f"{studios.index(self)}\n")
        return shoot(self, *arguments)

    Renderer.shoot = counting


if __name__ == "__main__":
    counted(Path(sys.argv[1]))
    run(sys.argv[2:])
