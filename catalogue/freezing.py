# SPDX-License-Identifier: GPL-3.0-or-later
"""From rows to plans: all rows are checked and frozen before anything is spent."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..fal_bridge.endpoints.endpoint import Endpoint
from ..fal_bridge.endpoints.registry import REGISTRY
from ..fal_bridge.jobs import Kind
from ..fal_bridge.network.service import Service
from ..files.invisible import trimmed
from ..gltf.choices import surroundings
from ..imaging.choices import Background
from ..messages.errors import InputError, PhotorealError
from ..optics.angles import chosen_angles
from ..optics.rig_choice import is_panorama_file
from ..optics.spin import Spin
from ..photo_set.choices import NO_VIDEO, Engine
from ..photo_set.plan import SetPlan
from ..photo_set.plan_record import members_record, options_from, options_record, rig_record
from ..photo_set.source import Source, SourceKind
from .folder_names import folder_names
from .lock_file import FrozenFile, FrozenRow, Lock, digest_of
from .rows import NO_SPIN, Row, asks_for_own_angles
from .sources import SourceDesk, frozen_source

Understand = Callable[
    [Kind, str], Endpoint
]  # An endpoint by its id; raises PhotorealError when it cannot be used.


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A frozen catalogue in its folder, with the service and the endpoints that its plans need."""

    root: Path
    lock: Lock
    service: Service | None
    endpoints: Mapping[str, Endpoint] = field(default_factory=lambda: REGISTRY, repr=False)

    def folder(self, row: FrozenRow) -> Path:
        return self.root / row.folder

    def plan(self, row: FrozenRow) -> SetPlan:
        """The plan of a valid row. Its files are not read, and photos with a web address are not downloaded yet."""
        return plan_of(
            row.row,
            frozen_source(row, self.root),
            self.folder(row),
            made_options({**self.lock.options, **row.own}, self.root),
            self.service,
            self.endpoints,
        )


def kept_options(plan: SetPlan, root: Path) -> dict[str, Any]:
    """How ``plan`` makes its pictures, in the form of the lock in ``root``."""
    return {**options_record(plan), **kept_members({"rig": plan.rig}, root)}


def kept_members(members: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Some members of a ``SetPlan`` in the same form."""
    kept = members_record({name: value for name, value in members.items() if name != "rig"})
    return {**kept, "rig": rig_record(members["rig"], root)} if "rig" in members else kept


def made_options(kept: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The same as members of a ``SetPlan`` again."""
    return options_from(kept, root)


def plan_of(
    row: Row,
    source: Source,
    out: Path,
    options: dict[str, Any],
    service: Service | None,
    endpoints: Mapping[str, Endpoint],
) -> SetPlan:
    """The plan of one row: ``options`` are those of the command, which the row overrides."""
    options = dict(options)
    if row.angles and not asks_for_own_angles(row.angles):
        options["angles"] = tuple(chosen_angles(row.angles))
    if row.background:
        options["background"] = Background(row.background)
    if row.video:
        options["video"] = None if row.video == NO_VIDEO else Engine(row.video)
    if row.spin:
        options["spin"] = _spin(options.get("spin"), row.spin)
    texts = {"prompt": row.prompt, "look": row.look, "photo_endpoint": row.endpoint, "variant": row.variant}
    texts["pose"] = row.pose
    if options.get("variants"):
        del texts["variant"]  # Among them, as the 3D file spells it.
    options |= {name: value for name, value in texts.items() if value}
    if row.rig and not is_panorama_file(row.rig):
        options["rig"] = replace(options["rig"], name=row.rig, panorama=None)
    if row.without:
        options["without"] = surroundings(row.without)
    if row.seed is not None:
        options["seed"] = row.seed
    if source.kind is not SourceKind.TEXT:
        options["concept_endpoint"] = ""
    if options["video"] is not Engine.FAL:  # Options for videos by fal.ai are meant for other rows.
        options |= {"loop": False, "seconds": None}
    if options["video"] is not Engine.CYCLES:
        options["preview"] = None
    plan = SetPlan(source=source, out=out, service=service, endpoints=endpoints, **options)
    own = {kind: texts for kind, texts in plan.option_texts.items() if kind in plan.endpoint_ids}
    return replace(plan, option_texts=own)


def _spin(of_command: Spin | None, cell: str) -> Spin | None:
    """The spin of a row, with the elevation, start and direction of the command."""
    if cell == NO_SPIN:
        return None
    count = int(cell)
    return replace(of_command, count=count) if of_command else Spin(count=count)


def freeze(
    rows: Iterable[Row],
    *,
    catalogue: Path,
    root: Path,
    options: Mapping[str, Any],
    fal: str,
    endpoints: "Endpoints",
    desk: SourceDesk,
    earlier: Lock | None = None,
) -> Lock:
    """All rows with their errors, folders and hashes.

    ``catalogue`` is the file of the rows, ``root`` the folder of the sets, ``fal`` as in ``Lock``. Folders of
    ``earlier``, the lock that is there, stay as they are. After it, ``endpoints.found`` has those that the rows use.
    """
    root, rows = root.absolute(), list(rows)
    names = folder_names(
        (row.sku for row in rows if row.sku),
        _folders_in(earlier) if earlier else {},
    )
    freezer = _Freezer(root, options, endpoints, desk, names)
    frozen = tuple(freezer.frozen(row) for row in rows)
    return Lock(catalogue=catalogue.name, options=options, fal=fal, rows=frozen)


def _folders_in(earlier: Lock) -> dict[str, str]:
    """The folder of each SKU, also under the form that rows have now: what was paid for stays in its folder."""
    folders = {item.row.sku: item.folder for item in earlier.rows if item.folder}
    return {trimmed(sku): folder for sku, folder in folders.items()} | folders


class _Freezer:
    """Freezes row after row of one catalogue."""

    def __init__(
        self,
        root: Path,
        options: Mapping[str, Any],
        endpoints: "Endpoints",
        desk: SourceDesk,
        names: Mapping[str, str],
    ) -> None:
        self._root = root
        self._options = options
        self._members = made_options(options, root)
        self._endpoints = endpoints
        self._desk = desk
        self._names = names
        self._named: set[str] = set()  # SKUs whose folder is given out.

    def frozen(self, row: Row) -> FrozenRow:
        """The row with its folder, its files and all that is wrong with it."""
        errors = list(row.errors)
        files: tuple[FrozenFile, ...] = ()
        source: Source | None = None
        own: dict[str, Any] = {}
        try:
            if row.sources or row.text:
                source, files = self._desk.source(row)
        except InputError as error:
            errors.append(_row_error(error, row))
        try:
            out = self._root / self._names.get(row.sku, "")
            own = self._desk.own_options(row, source, files, self._members["rig"], out)
        except InputError as error:
            errors.append(_row_error(error, row))
        if source and not errors:
            errors += self._plan_errors(row, source, own)
        row = replace(row, errors=tuple(errors))
        kept = kept_members(own, self._root)
        return FrozenRow(
            row=row,
            folder=self._folder(row.sku),
            files=files,
            own=kept,
            digest="" if errors else digest_of(row, files, kept, self._options),
        )

    def _folder(self, sku: str) -> str:
        """The folder of a SKU; "" for a row that repeats one, or has none."""
        if sku in self._named:
            return ""
        self._named.add(sku)
        return self._names.get(sku, "")

    def _plan_errors(self, row: Row, source: Source, own: Mapping[str, Any]) -> list[str]:
        out = self._root / self._names[row.sku]
        try:
            members = {**self._members, **own}
            plan = plan_of(row, source, out, members, self._endpoints.service, self._endpoints.found)
            for kind, endpoint_id in plan.endpoint_ids.items():
                self._endpoints.look_at(kind, endpoint_id)
            plan.check()
            plan.check_prompts()
        except PhotorealError as error:
            return [_row_error(error, row)]
        return []


# Columns for members of a plan; the other members have no column.
_COLUMN_OF = {
    "photo_endpoint": "endpoint",
    "color": "colors",
    **{
        name: name
        for name in ("variant", "pose", "without", "look", "seed", "video", "spin", "prompt", "text")
    },
}


def _row_error(error: PhotorealError, row: Row) -> str:
    """An error as a row reports it: with the column to change, where there is one."""
    column = _COLUMN_OF.get(error.field, "")
    if column == "variant" and row.variants:
        column = "variants"
    return f"{column}: {error}".removeprefix(": ").rstrip(".")


class Endpoints:
    """The endpoints that rows have named so far; each is looked up once. ``service`` is where they are."""

    def __init__(self, service: Service | None, understand: Understand) -> None:
        self.service = service
        self.found: dict[str, Endpoint] = dict(REGISTRY)
        self._understand = understand
        self._looked_at: dict[tuple[Kind, str], PhotorealError | None] = {}

    def look_at(self, kind: Kind, endpoint_id: str) -> None:
        """Look up an endpoint. Raises PhotorealError when it cannot be used."""
        key = kind, endpoint_id
        if key not in self._looked_at:
            try:
                self.found[endpoint_id] = self._understand(kind, endpoint_id)
                self._looked_at[key] = None
            except InputError as error:
                self._looked_at[key] = error
            except PhotorealError as error:
                if error.exit_code != InputError.exit_code:
                    raise  # fal.ai cannot be reached, which no row has caused.
                self._looked_at[key] = error
        if error_of_endpoint := self._looked_at[key]:
            raise error_of_endpoint
