# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that rows of a catalogue name: checked, hashed, and remembered from the lock before."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..fal_bridge.network.picture_addresses import is_address
from ..files.names import portable_path
from ..gltf.document import Gltf, parts_beside, sha256_of_source
from ..messages.errors import InputError
from ..optics.angles import CAMERAS, Angle, chosen_angles, is_angle_file
from ..optics.rig_choice import Panorama, RigChoice, chosen_rig, is_panorama_file
from ..photo_set.choices import MAX_PHOTOS
from ..photo_set.plan_angles import angles_for
from ..photo_set.plan_record import options_from
from ..photo_set.source import MODEL_SUFFIXES, Source, SourceKind, source_from
from ..photo_set.variants import variants_for
from .lock_file import FrozenFile, FrozenRow, Lock
from .rows import Row, colors_in

CamerasOfBlend = Callable[[Path], list[Angle]]  # What only Blender can read.
MaterialsOfBlend = Callable[[Path], Gltf]
CheckLight = Callable[[Panorama], None]  # Raises InputError for a file that is not a light map.


class SourceDesk:
    """Checks source files, each once, and not again when they are unchanged since an earlier lock.

    ``base`` is the folder that sources are relative to. Files of angles and light are read once for all rows.
    """

    def __init__(
        self,
        base: Path,
        root: Path,
        earlier: Lock | None,
        cameras_of_blend: CamerasOfBlend,
        materials_of_blend: MaterialsOfBlend,
        check_light: CheckLight | None,
    ) -> None:
        self._base = base
        self._root = root
        self._cameras_of_blend = cameras_of_blend
        self._materials_of_blend = materials_of_blend
        self._check_light = check_light
        self._known: dict[str, FrozenFile] = {}
        self._cameras: dict[str, tuple[Angle, ...]] = {}  # By the hash of the 3D file.
        self._angles: dict[str, tuple[Angle, ...]] = {}
        self._rigs: dict[str, RigChoice] = {}
        for row in earlier.rows if earlier else ():
            if row.is_good:
                self._known.update({item.path: item for item in row.files})
                if row.row.angles == CAMERAS:
                    self._cameras[row.files[0].sha256] = options_from(row.own, root)["angles"]

    def own_options(
        self, row: Row, source: Source | None, files: tuple[FrozenFile, ...], usual: RigChoice, out: Path
    ) -> dict[str, Any]:
        """Angles, rig and variants of the row that are in files, as members of a ``SetPlan``.

        ``usual`` has rotation and intensity of the light; ``out`` is the set folder. Raises InputError with what is wrong with a file.
        """
        own: dict[str, Any] = {}
        if is_panorama_file(row.rig):
            if row.rig not in self._rigs:
                rig = chosen_rig(
                    str(self._base / row.rig), rotation=usual.rotation, intensity=usual.intensity
                )
                if rig.panorama and self._check_light:
                    self._check_light(rig.panorama)
                self._rigs[row.rig] = rig
            own["rig"] = self._rigs[row.rig]
        if is_angle_file(row.angles):
            if row.angles not in self._angles:
                self._angles[row.angles] = tuple(chosen_angles(str(self._base / row.angles)))
            own["angles"] = self._angles[row.angles]
        elif row.angles == CAMERAS and source is not None:
            model = files[0].sha256 if source.kind is SourceKind.MODEL else ""
            if model not in self._cameras:
                self._cameras[model] = angles_for(CAMERAS, source, self._cameras_of_blend)
            own["angles"] = self._cameras[model]
        if source is not None and not row.errors and (row.variants or row.colors):
            wanted, colors = row.variants or row.variant, colors_in(row.colors)
            own |= variants_for(wanted, colors, source, out, self._materials_of_blend)
        return own

    def source(self, row: Row) -> tuple[Source, tuple[FrozenFile, ...]]:
        """Raises InputError with what is wrong with it."""
        if not row.sources:
            return source_from([], row.text), ()
        if any(is_address(text) for text in row.sources):
            return self._mixed(row)
        paths = [self._base / text for text in row.sources]
        files = [self._as_before(path) for path in paths]
        if all(files):
            return _source_of(paths), tuple(item for item in files if item)
        source = source_from(paths, "")
        return source, tuple(self._frozen(path) for path in paths)

    def _mixed(self, row: Row) -> tuple[Source, tuple[FrozenFile, ...]]:
        """Photos with a web address are downloaded when their product is made; only the others are checked here."""
        if len(row.sources) > MAX_PHOTOS:
            raise InputError(f"{len(row.sources)} photos exceed the maximum of {MAX_PHOTOS}.")
        if insecure := next((text for text in row.sources if text.lower().startswith("http://")), ""):
            raise InputError(f"The address {insecure.split('?')[0]} does not begin with https://.")
        paths = [self._base / text for text in row.sources if not is_address(text)]
        if paths and source_from(paths, "").kind is SourceKind.MODEL:
            raise InputError("A 3D file is a source by itself.", hint="Give one 3D file, or only photos.")
        files = tuple(self._frozen(path) for path in paths)
        return _source_of([Path(text.split("?")[0]) for text in row.sources], is_photos=True), files

    def _as_before(self, path: Path) -> FrozenFile | None:
        known = self._known.get(portable_path(path, self._root))
        try:
            is_same = known and (known.size, known.changed) == _size_and_change(path)
        except OSError:
            return None
        return known if is_same else None

    def _frozen(self, path: Path) -> FrozenFile:
        name = portable_path(path, self._root)
        try:
            size, changed = _size_and_change(path)
            file = FrozenFile(path=name, sha256=sha256_of_source(path), size=size, changed=changed)
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}).") from error
        self._known[name] = file
        return file


def _size_and_change(path: Path) -> tuple[int, int]:
    """Bytes and nanoseconds of a source file; of a .gltf with parts beside it, the sums over all of them."""
    facts = [file.stat() for file in (path, *parts_beside(path))]
    return sum(one.st_size for one in facts), sum(one.st_mtime_ns for one in facts)


def frozen_source(row: FrozenRow, root: Path) -> Source:
    if not row.row.sources:
        return Source(kind=SourceKind.TEXT, text=row.row.text)
    if any(is_address(text) for text in row.row.sources):
        return _source_of([Path(text.split("?")[0]) for text in row.row.sources], is_photos=True)
    return _source_of([Path(os.path.normpath(root / item.path)) for item in row.files])


def _source_of(paths: list[Path], *, is_photos: bool = False) -> Source:
    """The source of files that were checked before."""
    from_model = len(paths) == 1 and paths[0].suffix.lower() in MODEL_SUFFIXES and not is_photos
    return Source(kind=SourceKind.MODEL if from_model else SourceKind.PHOTOS, files=tuple(paths))
