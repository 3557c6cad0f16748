# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the 3D models of sets into a folder, and only those that have changed since the last time."""

import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..fal_bridge.money.journal_costs import spreadsheet_safe
from ..files.names import file_rule, safe_name, same_name
from ..files.writing import write_atomically
from ..imaging.provenance import Provenance
from ..messages.errors import InputError
from ..photo_set.folder import SetFolder
from ..photo_set.plan_record import model_options_planned
from ..photo_set.provenance import provenance_of_model
from .exporting import check_template
from .own_files import OwnFiles

FORMATS = ("glb", "usdz")
FIELDS = ("sku", "product")
FILES = "files.csv"
_COLUMNS = ("sku", "product", "file", "bytes", "sha256", "source_type")
_FACTS = ("triangles", "textures", "texture_side", "width_m", "depth_m", "height_m")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOrder:
    """A 3D model that is to be written to ``target``. ``pose`` and ``without`` are those of its set.

    ``max_bytes``: the maximum size of the file, ``None`` without one.
    """

    source: Path
    target: Path
    product: str
    pose: str
    without: tuple[str, ...]
    provenance: Provenance
    max_bytes: int | None


# Writes a model and says what is in it: the members of ``_FACTS``. Raises InputError for a model that cannot be exported.
Make = Callable[[ModelOrder], Mapping[str, float | int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlan:
    """How 3D models are exported. ``format`` is one of ``FORMATS``, ``template`` that of the names, "" for the usual one."""

    format: str
    template: str = ""
    max_bytes: int | None = None

    def name_of(self, sku: str, product: str) -> str:
        """The name of a file. Raises InputError for a template that cannot work."""
        template = self.template or "{sku}"
        check_template(template, FIELDS)
        stem = template.removesuffix(f".{self.format}")
        rule = file_rule("product")
        return f"{stem.format(sku=safe_name(sku, rule), product=safe_name(product, rule))}.{self.format}"


class ModelFolder:
    """The folder with the 3D models of one set or of a catalogue. ``add`` all sets, then ``finish``."""

    def __init__(self, root: Path, plan: ModelPlan, make: Make) -> None:
        self.root = root
        self._plan = plan
        self._make = make
        self._own = OwnFiles(root)
        self._records: dict[str, dict[str, Any]] = {}
        self._owners: dict[str, str] = {}  # SKU by name, as file systems compare it.
        self.problems: list[str] = []
        self.new: list[str] = []  # The names of the files that were written now.

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known about each file of this export, by name."""
        return self._records

    def add(self, folder: SetFolder, sku: str) -> None:
        """Export the model of a set. Why one is not exported is added to ``problems``. Raises InputError, OSError."""
        product = str(folder.record["product"])
        name = self._plan.name_of(sku, product)
        if (other := self._owners.setdefault(same_name(name), sku)) != sku:
            raise InputError(f"{other} and {sku} would both be named {name}.", hint="Add {sku} to --name.")
        if not folder.has(folder.record.get("model")):
            self.problems.append(f"{sku}: not exported, because it has no finished 3D model.")
            return
        with tempfile.TemporaryDirectory(prefix="photoreal-model-") as scratch:
            order = self._order(folder, Path(scratch) / f"model.{self._plan.format}")
            digest = self._digest(folder, order)
            if self._own.is_current(name, digest):
                self._records[name] = {**self._own.earlier(name)}
                return
            self._own.refuse_foreign(name)
            try:
                facts = self._make(order)
            except InputError as error:
                self.problems.append(f"{sku}: not exported. {error}")
                return
            data = order.target.read_bytes()
        self._own.write(name, data)
        self.new.append(name)
        self._records[name] = {
            "sku": sku,
            "product": product,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "made_with": digest,
            "source_type": order.provenance.source_type.value,
            **facts,
        }

    def finish(self) -> list[str]:
        """Remove files of earlier exports that this one has not, and write the lists; the names removed."""
        removed = self._own.finish(self._plan.format, self._records)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow((*_COLUMNS, *_FACTS))
        for name, record in self._records.items():
            cells = {**record, "file": name}
            writer.writerow([spreadsheet_safe(str(cells.get(key, ""))) for key in (*_COLUMNS, *_FACTS)])
        write_atomically(self.root / FILES, buffer.getvalue().encode())
        return removed

    def _order(self, folder: SetFolder, target: Path) -> ModelOrder:
        options = model_options_planned(folder)
        return ModelOrder(
            source=folder.root / str(folder.record["model"]["path"]),
            target=target,
            product=str(folder.record["product"]),
            pose=options.pose,
            without=tuple(one.value for one in options.without),
            provenance=provenance_of_model(folder.record),
            max_bytes=self._plan.max_bytes,
        )

    def _digest(self, folder: SetFolder, order: ModelOrder) -> str:
        """Everything that decides the content of a file."""
        parts = {**asdict(order), "source": folder.record["model"]["sha256"], "target": self._plan.format}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
