# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that were tampered with: one value in one JSON file of a catalogue is replaced.

The catalogue is partly made at the emulator: some files are missing, and requests are at every stage of the journal, so
that the commands read all of it.
"""

import contextlib
import io
import json
import logging
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_line.bootstrap import load_package
from tests.catalogue_desk import Desk

load_package()

from photoreal_set.background_run.set_view import read_set  # noqa: E402
from photoreal_set.catalogue.lock_file import NAME  # noqa: E402
from photoreal_set.command_line import main as cli  # noqa: E402  The package has to be loaded first.

JUNK = (
    *(None, True, 0, -1, 1.5, 10**25, 1e300, "", "x", "../../../x", "/etc/x", "a\0b", "\ud800", "1e999"),
    *([], {}, [[]], {"x": 1}, [1, 2], ["../x"], "x" * 200_000),
)
LEFT_OUT = "left out"  # Removes the value.

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """``value`` replaces the one at ``place`` in line ``line`` (from 0) of ``file``, a path within the desk's folder."""

    file: Path
    line: int
    place: Place
    value: Any

    def __str__(self) -> str:
        return (
            f"{self.file.name}:{self.line + 1} {'.'.join(map(str, self.place)) or 'all'} = {self.value!r:.60}"
        )


def make(desk: Desk) -> None:
    """A catalogue of two products, made at the emulator, with some files missing."""
    table = (
        {"sku": "mug", "source": desk.photo("a.png"), "angles": "front,top", "max_cost": "9"},
        {"sku": "chair", "source": desk.model("c.glb"), "angles": "front", "note": "oak"},
    )
    desk.table(*table)
    run = desk.make("--engine", "fal", "--photo-size", "2048")
    assert run.exit_code == 0, run.error
    for pattern in ("mug/photos/*.png", "mug/model/*", "*/video/*"):
        for path in filter(Path.is_file, desk.out.glob(pattern)):
            path.unlink()
    for number, job in enumerate(
        sorted(path for path in desk.out.glob("*/.journal/*") if len(path.name) == 64)
    ):
        lost = ("done.json", "answer.1.json")[: number % 3]
        for name in lost:
            (job / name).unlink()


def files_of(desk: Desk) -> list[Path]:
    """Every file of the catalogue that is read back, as paths within the desk's folder."""
    own = [path for name in (NAME, "set.json", "row.json", "removed.json") for path in desk.out.rglob(name)]
    facts = [path for path in desk.out.glob("*/.journal/*/*") if path.is_file()]
    return sorted(path.relative_to(desk.folder) for path in {*own, *facts})


def mutations(desk: Desk, chance: random.Random) -> Iterator[Mutation]:
    """An endless sequence, each file equally often."""
    files = files_of(desk)
    while True:
        for file in chance.sample(files, len(files)):
            lines = _lines(desk.folder / file)
            line = chance.randrange(len(lines))
            place = chance.choice(list(_places(lines[line])))
            yield Mutation(file, line, place, chance.choice((*JUNK, LEFT_OUT) if place else JUNK))


def plant(desk: Desk, mutation: Mutation) -> None:
    path = desk.folder / mutation.file
    lines = _lines(path)
    lines[mutation.line] = _put(lines[mutation.line], mutation.place, mutation.value)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def complaints_about(desk: Desk, mutation: Mutation, kept: Path) -> list[str]:
    """The errors of commands on a folder that was tampered with; it equals ``kept`` before and afterwards."""
    plant(desk, mutation)
    found = []
    product = desk.out / mutation.file.parts[1] if len(mutation.file.parts) > 2 else desk.out / "mug"
    for command in (
        ("report", desk.out),
        ("report", product),
        ("resume", desk.out, "--forget", "abc"),
        ("resume", desk.out),
        ("cancel", product),
        ("reconcile", product),
        ("cleanup", product),
    ):
        found += [f"{mutation}: {command[0]}: {what}" for what in _complaints(desk, *command)]
    read_set(product)
    found += [
        f"{mutation}: {path} was made"
        for path in desk.folder.parent.iterdir()
        if path not in (desk.folder, kept)
    ]
    shutil.rmtree(desk.folder)
    shutil.copytree(kept, desk.folder)
    return found


def _complaints(desk: Desk, *command: object) -> list[str]:
    said = io.StringIO()
    traces = _Traces()
    logging.getLogger().addHandler(traces)
    try:
        with contextlib.redirect_stderr(said):
            if command[0] == "report":
                code = cli.main([str(item) for item in command], said)
            else:
                run = desk.run(*command)
                code = run.exit_code
                said.write(json.dumps(run.events))
    finally:
        logging.getLogger().removeHandler(traces)
    found = [f"traceback: {trace[-300:]}" for trace in traces.texts]
    if "bug in Photoreal Set" in said.getvalue():
        found.append(f"a fault: {said.getvalue()[-300:]}")
    if code not in (0, 1, 2, 3, 4, 5):
        found.append(f"exit code {code}")
    return found


class _Traces(logging.Handler):
    """Collects the tracebacks that are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.texts.append(logging.Formatter().formatException(record.exc_info))


def _lines(path: Path) -> list[Any]:
    text = path.read_text()
    return [json.loads(line) for line in text.splitlines()] if path.name == NAME else [json.loads(text)]


def _places(value: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from _places(member, (*place, name))


def _put(value: Any, place: Place, new: Any) -> Any:
    if not place:
        return new
    inside: Any = value
    for name in place[:-1]:
        inside = inside[name]
    if new == LEFT_OUT:
        del inside[place[-1]]
    else:
        inside[place[-1]] = new
    return value
