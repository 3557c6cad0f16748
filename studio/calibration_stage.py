# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders what photos by fal.ai are compared with: the surface of each view, and how other light changes it."""

from collections.abc import Callable
from typing import cast

from ..imaging.choices import Background, Pass
from ..imaging.compose import compose, png
from ..imaging.passes import base_colour_picture, depth_picture, normal_picture
from ..optics.angles import Angle, hero_first
from ..optics.framing import framing_from
from ..optics.light_map import Rig
from ..optics.rigs import HIGH_KEY, SOFTBOX, THREE_POINT
from ..optics.sizes import Size
from ..photo_set.calibration import calibration_files, needs_calibration
from ..photo_set.folder import Record, angle_record
from .quality import RELIT
from .session import Session
from .stage_work import StageWork

STAGE = "calibration"
MAX_SIDE = 1024  # Of depth, normals and base colour: print is judged by them.
MAX_LIT_SIDE = 384  # Of the renders in other light.
# Light from another side, brighter light on a rougher surface, and hard darker light: what image models do to a picture.
LIGHTS = (
    (SOFTBOX.turned(rotation=120.0, intensity=1.0), False),
    (HIGH_KEY.turned(rotation=0.0, intensity=1.25), True),
    (THREE_POINT.turned(rotation=-40.0, intensity=0.8), False),
)
RENDERS = 1 + len(LIGHTS)  # Of each angle.


class CalibrationStage:
    """Makes the files of ``calibration`` in the entries of the angles.

    ``when_calibrated`` is called with every angle that has them, or needs none.
    """

    def __init__(self, work: StageWork, session: Session, when_calibrated: Callable[[Angle], None]) -> None:
        self._work = work
        self._session = session
        self._when_calibrated = when_calibrated
        self._size = _at_most(work.plan.resolution, MAX_SIDE)
        self._lit_size = _at_most(work.plan.resolution, MAX_LIT_SIDE)
        self._files: dict[str, Record] = {}  # Of the angles that are being rendered, by name.

    def expect(self) -> None:
        """Announce what ``go`` is going to render."""
        count = sum(not self._is_kept(angle) for angle in self._work.plan.angles)
        self._work.expect(STAGE, count * RENDERS, RELIT, self._lit_size)

    def go(self) -> None:
        """Render what is missing or out of date, the hero first. Each light is loaded once for all angles."""
        self._work.writer.wait()  # The cameras of the references must be in their records.
        angles = hero_first(list(self._work.plan.angles))
        missing = [angle for angle in angles if not self._is_kept(angle)]
        if not missing:
            self._work.each(STAGE, angles, lambda _angle: True, self._render, self._announce)
            return
        for angle in angles:
            if angle not in missing:
                self._announce(angle)
        with self._session.quick_light():
            self._work.each(STAGE, missing * RENDERS, lambda _angle: False, self._render)

    def _made_with(self, angle: Angle) -> str:
        work = self._work
        lights = [(light.digest, is_rougher) for light, is_rougher in LIGHTS]
        camera = work.results.angle(angle)["camera"]
        return work.made_with(angle, RELIT, work.rig, camera=camera, lights=lights)

    def _is_kept(self, angle: Angle) -> bool:
        entry = self._work.results.angle(angle)
        if "camera" not in entry:
            return False
        known = entry.get("calibration")
        if known is None or known.get("made_with") != self._made_with(angle):
            return not needs_calibration(entry)
        return all(self._work.folder.has(file) for file in calibration_files(known))

    def _render(self, angle: Angle) -> None:
        """The next of the renders of an angle: its surface, then each light."""
        files = self._files.get(angle.name)
        if files is None:
            self._files[angle.name] = self._surface_of(angle)
            return
        number = len(files["lights"]) + 1
        light, is_rougher = LIGHTS[number - 1]
        files["lights"].append(self._lit(angle, light, number, is_rougher=is_rougher))
        if number == len(LIGHTS):
            self._finish(angle, files)

    def _announce(self, angle: Angle) -> None:
        self._work.writer.do(lambda: self._when_calibrated(angle))

    def _surface_of(self, angle: Angle) -> Record:
        """The files of the surface, which has no light."""
        session, folder, place = self._session, self._work.folder, f"fidelity/{angle.name}"
        framing = framing_from(self._work.results.angle(angle)["camera"])
        surface = session.measure(framing, angle, self._size)
        depth, near, far = depth_picture(surface.depth)
        colour = base_colour_picture(session.base_colour(framing, angle, self._size))
        return {
            Pass.DEPTH.value: {**folder.store(f"{place}/depth.png", png(depth)), "near": near, "far": far},
            Pass.NORMAL.value: folder.store(f"{place}/normal.png", png(normal_picture(surface.normal))),
            "base_colour": folder.store(f"{place}/base-colour.png", png(colour)),
            "lights": [],
        }

    def _lit(self, angle: Angle, light: Rig, number: int, *, is_rougher: bool) -> Record:
        """The file of the view in another light."""
        framing = framing_from(self._work.results.angle(angle)["camera"])
        shot = self._session.relit(framing, angle, light, self._lit_size, is_rougher=is_rougher)
        background = self._work.plan.background
        if background is Background.TRANSPARENT:
            background = Background.WHITE  # That of the photos.
        picture = compose(shot.colour, shot.shadow, background, shot.through)
        return self._work.folder.store(f"fidelity/{angle.name}/light-{number}.png", png(picture))

    def _finish(self, angle: Angle, files: Record) -> None:
        made_with = self._made_with(angle)
        with self._work.folder.change() as record:
            cast(Record, angle_record(record, angle.name))["calibration"] = {**files, "made_with": made_with}
        self._when_calibrated(angle)


def _at_most(size: Size, side: int) -> Size:
    """``size``, or a smaller one of the same shape whose longer side is ``side``."""
    if size.longer <= side:
        return size
    scale = side / size.longer
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))
