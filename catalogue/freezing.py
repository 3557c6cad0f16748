# SPDX-License-Identifier: GPL-3.0-or-later
"""From rows to plans: checked as a whole, before anything is spent, and frozen."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..fal_bridge.endpoints.endpoint import Endpoint, size_of
from ..fal_bridge.endpoints.registry import REGISTRY
from ..fal_bridge.jobs import Kind
from ..fal_bridge.money.price_list import PriceList
from ..fal_bridge.network.picture_addresses import is_address
from ..fal_bridge.network.service import Service
from ..files.names import portable_path
from ..gltf.document import parts_beside, sha256_of_source
from ..imaging.choices import Background
from ..messages.errors import InputError, PhotorealError
from ..optics.angles import CAMERAS, Angle, chosen_angles, is_angle_file
from ..optics.rig_choice import Panorama, RigChoice, chosen_rig, is_panorama_file
from ..photo_set.choices import MAX_PHOTOS, NO_VIDEO, Engine
from ..photo_set.estimates import Estimate, PlannedJob, estimate_of
from ..photo_set.plan import MODEL_SUFFIXES, SetPlan, Source, SourceKind, angles_for, source_from
from ..photo_set.plan_record import members_record, options_from, options_record, rig_record
from .folder_names import folder_names
from .lock_file import FrozenFile, FrozenRow, Lock, digest_of
from .rows import Row, asks_for_own_angles

Understand = Callable[[Kind, str], Endpoint]  # An endpoint by its id; raises when there is none like it.
CamerasOfBlend = Callable[[Path], list[Angle]]  # What only Blender can read.
CheckLight = Callable[[Panorama], None]  # Raises InputError for a file that is no light map.


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A frozen catalogue in its folder, with what its plans need besides: fal, and what it publishes."""

    root: Path
    lock: Lock
    service: Service | None
    endpoints: Mapping[str, Endpoint] = field(default_factory=lambda: REGISTRY, repr=False)

    def folder(self, row: FrozenRow) -> Path:
        return self.root / row.folder

    def plan(self, row: FrozenRow) -> SetPlan:
        """The plan of a good row. Its files are not looked at, and photos by address are not fetched yet."""
        return plan_of(
            row.row,
            _frozen_source(row, self.root),
            self.folder(row),
            made_options({**self.lock.options, **row.own}, self.root),
            self.service,
            self.endpoints,
        )


def kept_options(plan: SetPlan, root: Path) -> dict[str, Any]:
    """How ``plan`` makes its pictures, as the lock in ``root`` keeps it."""
    return {**options_record(plan), **kept_members({"rig": plan.rig}, root)}


def kept_members(members: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Angles and rig of a ``SetPlan``, as far as they are there, in the same form."""
    kept = members_record({name: value for name, value in members.items() if name != "rig"})
    return {**kept, "rig": rig_record(members["rig"], root)} if "rig" in members else kept


def made_options(kept: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Members of a ``SetPlan`` again."""
    return options_from(kept, root)


def plan_of(
    row: Row,
    source: Source,
    out: Path,
    options: dict[str, Any],
    service: Service | None,
    endpoints: Mapping[str, Endpoint],
) -> SetPlan:
    """The plan of one row: ``options`` of the command and the row's files, and what the row itself says instead."""
    options = dict(options)
    if row.angles and not asks_for_own_angles(row.angles):
        options["angles"] = tuple(chosen_angles(row.angles))
    if row.background:
        options["background"] = Background(row.background)
    if row.video:
        options["video"] = None if row.video == NO_VIDEO else Engine(row.video)
    words = {"prompt": row.prompt, "look": row.look, "photo_endpoint": row.endpoint, "variant": row.variant}
    options |= {name: value for name, value in words.items() if value}
    if row.rig and not is_panorama_file(row.rig):
        options["rig"] = replace(options["rig"], name=row.rig, panorama=None)
    if row.seed is not None:
        options["seed"] = row.seed
    if source.kind is not SourceKind.TEXT:
        options["concept_endpoint"] = ""
    if options["video"] is not Engine.FAL:  # What the command says of films by fal is for other rows.
        options |= {"loop": False, "seconds": None}
    if options["video"] is not Engine.CYCLES:
        options["preview"] = None
    plan = SetPlan(source=source, out=out, service=service, endpoints=endpoints, **options)
    own = {kind: texts for kind, texts in plan.option_texts.items() if kind in plan.endpoint_ids}
    return replace(plan, option_texts=own)


def freeze(
    rows: Iterable[Row],
    *,
    catalogue: Path,
    root: Path,
    options: Mapping[str, Any],
    service: Service | None,
    fal: str,
    understand: Understand,
    cameras_of_blend: CamerasOfBlend,
    check_light: CheckLight | None,
    earlier: Lock | None = None,
) -> tuple[Lock, dict[str, Endpoint]]:
    """All rows with their faults, folders and hashes, and the endpoints that they use.

    ``understand`` says what an endpoint is, ``check_light`` refuses what is no light map (``None``: not looked at);
    ``earlier`` is the lock that is there: its folders stay, and files that have not changed since are not read again.
    """
    root = root.absolute()
    desk = _SourceDesk(catalogue.absolute().parent, root, earlier, cameras_of_blend, check_light)
    rows = list(rows)
    names = folder_names(
        (row.sku for row in rows if row.sku),
        {item.row.sku: item.folder for item in earlier.rows if item.folder} if earlier else {},
    )
    unnamed = dict(names)
    known = _Endpoints(understand)
    plain = made_options(options, root)
    frozen = []
    for row in rows:
        faults = list(row.faults)
        files: tuple[FrozenFile, ...] = ()
        source, own = None, {}
        try:
            if row.sources or row.text:
                source, files = desk.source(row)
        except InputError as error:
            faults.append(str(error).rstrip("."))
        try:
            own = desk.own_options(row, source, files, plain["rig"])
        except InputError as error:
            faults.append(str(error).rstrip("."))
        if source and not faults:
            out = root / names[row.sku]
            faults += _plan_faults(row, source, out, {**plain, **own}, service, known)
        row = replace(row, faults=tuple(faults))
        kept = kept_members(own, root)
        frozen.append(
            FrozenRow(
                row=row,
                folder=unnamed.pop(row.sku, ""),  # A row that repeats a SKU has none.
                files=files,
                own=kept,
                digest=digest_of(row, files, kept, options) if not faults else "",
            )
        )
    lock = Lock(catalogue=catalogue.name, options=options, fal=fal, rows=tuple(frozen))
    return lock, known.found


def _plan_faults(
    row: Row,
    source: Source,
    out: Path,
    options: dict[str, Any],
    service: Service | None,
    known: "_Endpoints",
) -> list[str]:
    try:
        plan = plan_of(row, source, out, options, service, known.found)
        for kind, endpoint_id in plan.endpoint_ids.items():
            known.look_at(kind, endpoint_id)
        plan.check()
    except PhotorealError as error:
        return [str(error).rstrip(".")]
    return []


class _Endpoints:
    """Those that rows have named so far; what is wrong with one is found out once."""

    def __init__(self, understand: Understand) -> None:
        self.found: dict[str, Endpoint] = dict(REGISTRY)
        self._understand = understand
        self._looked_at: dict[tuple[Kind, str], PhotorealError | None] = {}

    def look_at(self, kind: Kind, endpoint_id: str) -> None:
        """Raises what is wrong with the endpoint."""
        key = kind, endpoint_id
        if key not in self._looked_at:
            try:
                self.found[endpoint_id] = self._understand(kind, endpoint_id)
                self._looked_at[key] = None
            except InputError as error:
                self._looked_at[key] = error
            except PhotorealError as error:
                if error.exit_code != InputError.exit_code:
                    raise  # fal.ai cannot be asked: no row is to blame.
                self._looked_at[key] = error
        if fault := self._looked_at[key]:
            raise fault


class _SourceDesk:
    """Looks at source files, each once, and not again when they are as they were in an earlier lock.

    Files of angles and light are read each time, once for all rows.
    """

    def __init__(
        self,
        base: Path,
        root: Path,
        earlier: Lock | None,
        cameras_of_blend: CamerasOfBlend,
        check_light: CheckLight | None,
    ) -> None:
        self._base = base
        self._root = root
        self._cameras_of_blend = cameras_of_blend
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
        self, row: Row, source: Source | None, files: tuple[FrozenFile, ...], usual: RigChoice
    ) -> dict[str, Any]:
        """Angles and rig of the row where it takes files to know them, as members of a ``SetPlan``.

        ``usual`` is how the light is turned and dimmed. Raises InputError with what is wrong with a file.
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
        """Photos by address are fetched when their product is made; here only the others can be looked at."""
        if len(row.sources) > MAX_PHOTOS:
            raise InputError(f"{len(row.sources)} photos are too many.", hint="Give one to four.")
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


def _frozen_source(row: FrozenRow, root: Path) -> Source:
    if not row.row.sources:
        return Source(kind=SourceKind.TEXT, text=row.row.text)
    if any(is_address(text) for text in row.row.sources):
        return _source_of([Path(text.split("?")[0]) for text in row.row.sources], is_photos=True)
    return _source_of([Path(os.path.normpath(root / item.path)) for item in row.files])


def _source_of(paths: list[Path], *, is_photos: bool = False) -> Source:
    """The source of files that were looked at before."""
    from_model = len(paths) == 1 and paths[0].suffix.lower() in MODEL_SUFFIXES and not is_photos
    return Source(kind=SourceKind.MODEL if from_model else SourceKind.PHOTOS, files=tuple(paths))


# --- the price of it all ------------------------------------------------------------------------


class Pricing:
    """Estimates of many plans: those that differ only in the product are counted once."""

    def __init__(self, prices: PriceList) -> None:
        self._prices = prices
        self._known: dict[Any, Estimate] = {}

    def estimate(self, plan: SetPlan) -> Estimate:
        shape = _shape(plan)
        if shape not in self._known:
            self._known[shape] = estimate_of(plan, self._prices)
        return self._known[shape]

    def whole(self, plans: Iterable[SetPlan]) -> Estimate:
        """All requests of all plans, alike ones as one that counts several times."""
        counts: dict[int, int] = {}
        estimates: dict[int, Estimate] = {}
        for plan in plans:
            estimate = self.estimate(plan)
            counts[id(estimate)] = counts.get(id(estimate), 0) + 1
            estimates[id(estimate)] = estimate
        jobs = tuple(_times(estimates[key], count) for key, count in counts.items())
        return Estimate(tuple(job for group in jobs for job in group), self._prices.age_seconds)


def _times(estimate: Estimate, count: int) -> Iterator[PlannedJob]:
    for job in estimate.jobs:
        yield replace(job, times=job.times * count)


def _shape(plan: SetPlan) -> Any:
    """Everything of a plan that its price depends on."""
    pictures = plan.source.kind is SourceKind.PHOTOS
    return (
        plan.source.kind,
        tuple(size_of(path) for path in plan.source.files) if pictures else (),
        plan.angles,
        plan.engine,
        plan.video,
        plan.resolution,
        tuple(plan.endpoint_ids.items()),
        tuple((kind, tuple(texts.items())) for kind, texts in plan.option_texts.items()),
        plan.with_hero,
        plan.motion,
        plan.look,
        plan.seconds,
        plan.loop,
        plan.photo_size,
    )
