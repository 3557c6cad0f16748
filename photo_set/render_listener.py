# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets the pictures of a set while it is rendered."""

from pathlib import Path

from ..optics.angles import Angle
from .results import SetResults


class RenderListener:
    """Gets each picture of a set once it is on disk, on the thread that has stored it. This one does nothing with them."""

    def rendered(self, angle: Angle) -> None:
        """The reference of ``angle`` is on disk, and the guide for its photo if it needs one."""

    def photographed(self, angle: Angle, photo: Path) -> None:
        """The photo of ``angle`` by Cycles is on disk."""

    def calibrated(self, angle: Angle) -> None:
        """Everything that the photo of ``angle`` by fal.ai is compared with is on disk."""

    def of_variant(self, results: SetResults) -> "RenderListener":
        """Who gets the pictures of another variant of the product, whose set is ``results``. Raises InputError."""
        return RenderListener()
