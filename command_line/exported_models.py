# SPDX-License-Identifier: GPL-3.0-or-later
"""``export --format glb`` and ``usdz``: the 3D models of sets, as they were photographed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ..channels.model_folder import ModelFolder, ModelOrder, ModelPlan
from ..gltf.choices import ModelOptions, Surrounding
from ..messages.counts import count_of
from ..messages.errors import InputError, PhotorealError
from ..photo_set.folder import SetFolder
from .channel_sources import sources_in
from .option_values import Context
from .zipping import require_own_zip, update_zip, write_zip


class ModelChoices(Protocol):
    """The options of ``export`` that count for 3D models."""

    @property
    def folder(self) -> Path: ...
    @property
    def format(self) -> str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def max_size(self) -> float | None: ...
    @property
    def zip(self) -> bool: ...
    @property
    def json(self) -> bool: ...


def export_models(options: ModelChoices, context: Context) -> int:
    """Exit code 2 when a 3D model was not exported."""
    form = options.format or ""
    limit = None if options.max_size is None else round(options.max_size * 1e6)
    plan = ModelPlan(format=form, template=options.name, max_bytes=limit)
    plan.name_of("a", "a")  # Refuses a template before anything is written.
    folder = ModelFolder(options.folder / "export" / form, plan, _make)
    if options.zip:
        require_own_zip(folder.root)
    sources = sources_in(options.folder)
    for source in sources:
        try:
            folder.add(SetFolder.open(source.folder), source.sku)
        except InputError as error:
            if len(sources) == 1:
                raise
            folder.problems.append(f"{source.sku}: not exported. {error}")
    removed = folder.finish()
    store = write_zip if options.zip else update_zip
    zipped = store(folder.root, list(folder.files))
    if options.json:
        report = {**_report(folder, removed), "zip": str(zipped) if zipped else None}
        print(json.dumps(report), file=context.output)
    else:
        count = count_of(len(folder.files), "3D model")
        text = f"{folder.root.absolute()}: {count}, {len(folder.new)} written, {len(removed)} removed"
        lines = [f"  ZIP file: {zipped.absolute()}"] if zipped else []
        print("\n".join([text, *lines, *folder.problems]), file=context.output)
    return PhotorealError.exit_code if folder.problems else 0


def _report(folder: ModelFolder, removed: list[str]) -> dict[str, object]:
    files = [{"file": name, "new": name in folder.new, **record} for name, record in folder.files.items()]
    return {"folder": str(folder.root), "files": files, "removed": removed, "problems": folder.problems}


def _make(order: ModelOrder) -> Mapping[str, float | int]:
    from ..studio.model_export import export_model

    facts = export_model(
        order.source,
        order.target,
        order.provenance,
        name=order.product,
        options=ModelOptions(pose=order.pose, without=tuple(map(Surrounding, order.without))),
        max_bytes=order.max_bytes,
    )
    width, depth, height = (round(side, 6) for side in facts.size_m)
    return {
        "triangles": facts.triangles,
        "textures": facts.textures,
        "texture_side": facts.texture_side,
        "width_m": width,
        "depth_m": depth,
        "height_m": height,
    }
