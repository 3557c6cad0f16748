# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the pictures of sets for one channel into a folder, and only what has changed since the last time."""

import hashlib
import json
import os
import string
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

from PIL import Image

from ..files.kinds import FileKind
from ..files.names import component, file_rule, safe_name, same_name
from ..files.writing import sha256_of
from ..imaging import signing
from ..imaging.cut_out import cut_out
from ..imaging.picture_colours import in_srgb
from ..messages.errors import FieldError, InputError
from ..photo_set.folder import SetFolder
from ..photo_set.provenance import provenance_of
from .checking import Finding, findings_of, number_of, wanted
from .conforming import ConformError, Layout, conformed, encoded, layout_for
from .measuring import FORMAT_NAMES, Box, measured
from .own_files import OwnFiles, listed_files
from .pictures import Picture, Wishes, origin_of, selected
from .rules import Channel, Measure
from .summary import by_reason, by_rule, sentence, which

FIELDS = ("sku", "product", "variant", "angle", "number", "width", "height", "channel")
GENERATED_INSET = 2  # Pixels of the render.
FORMATS = {"jpg": FileKind.JPEG, "png": FileKind.PNG, "webp": FileKind.WEBP, "avif": FileKind.AVIF}
_SUFFIXES = {**FORMATS, "jpeg": FileKind.JPEG}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """How pictures are exported. ``kind`` and ``side`` replace those of the channel."""

    channel: Channel
    wishes: Wishes = field(default_factory=Wishes)
    kind: FileKind | None = None
    side: int | None = None
    template: str = ""

    def checked(self) -> "ExportPlan":
        """The same with every value filled in. Raises InputError for values that cannot be used."""
        template = self.template or self.channel.template
        check_template(template)
        stem, _point, suffix = template.rpartition(".")
        stated = _SUFFIXES.get(suffix.lower()) if stem else None
        kind = self.kind or (stated if self.template else None) or self.channel.kind
        if self.template and stated:
            self._check_suffix(stated, kind)
        stem = stem if stated else template
        return replace(self, kind=kind, side=self.side or self.channel.side, template=f"{stem}.{kind.value}")

    def _check_suffix(self, stated: FileKind, kind: FileKind) -> None:
        """Raises FieldError when the files cannot have the extension that ``--name`` has."""
        if stated is not kind:
            raise FieldError(
                "name",
                f"It ends in .{stated.value}, and --format is {kind.value}.",
                hint="Leave out one of them.",
            )
        rules = [rule for rule in self.channel.rules if rule.measure is Measure.FORMAT and not rule.is_advice]
        if any(FORMAT_NAMES[kind.name] not in rule.values for rule in rules):
            raise FieldError(
                "name",
                f"It ends in .{kind.value}, which {self.channel.name} does not take ({wanted(rules[0])}).",
                hint="Without an extension, each channel has its own format.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One file in the folder. ``is_new``: it was written now."""

    name: str
    sku: str
    product: str
    angle: str
    number: int
    size: tuple[int, int]
    sha256: str
    bytes: int
    source_type: str
    findings: tuple[Finding, ...]
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetExport:
    """What was exported of one set. ``about_all``: the rules about all its pictures. ``problems``: what was not, and why."""

    files: tuple[Exported, ...]
    about_all: tuple[Finding, ...]
    problems: tuple[str, ...]


def check_template(template: str, known: Collection[str] = FIELDS) -> None:
    """Raises InputError for a template of names that cannot work. ``known``: the fields that it may have."""
    example = "{sku}_{angle}_{width}.jpg" if "angle" in known else "{sku}"
    try:
        fields = {
            name for _text, name, _form, _turn in string.Formatter().parse(template) if name is not None
        }
        unknown = sorted(fields - set(known))
        if unknown:
            raise InputError(
                f"A name cannot contain {{{unknown[0]}}}.", hint=f"It can contain: {', '.join(known)}."
            )
        values = dict.fromkeys(FIELDS, "a") | dict.fromkeys(("number", "width", "height"), 1)
        sample = template.format(**values)
        component(sample)
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(
            f"{template!r} cannot be the name of a file ({error}).",
            hint=f"Write for example {example}.",
        ) from error


@dataclass(frozen=True, slots=True)
class _Item:
    """A picture of a set that is being exported. ``number`` is its place among those of the set, from 1.

    ``sku`` is that of the variant, ``product_sku`` that of all variants; ``variant`` is "" for a set without several.
    """

    folder: SetFolder
    sku: str
    picture: Picture
    number: int
    variant: str
    product_sku: str

    @property
    def place(self) -> str:
        return f"{self.sku}, {self.picture.angle}"

    @property
    def product(self) -> str:
        """The name of the product with that of its variant."""
        name = str(self.folder.record["product"])
        return name if not self.variant or name.endswith(f", {self.variant}") else f"{name}, {self.variant}"


class ChannelFolder:
    """The folder of one channel, of one set or of a catalogue. ``add`` all sets, then ``finish``."""

    def __init__(self, root: Path, plan: ExportPlan) -> None:
        self.root = root
        self._plan = plan.checked()
        self._channel = plan.channel
        self._own = OwnFiles(root)
        self._files: dict[str, Exported] = {}
        self._records: dict[str, dict[str, Any]] = {}
        self._owners: dict[str, str] = {}  # Name, as file systems compare it, by picture.
        self.problems: list[str] = []
        # Of the set that is added: angles that are not exported, and why.
        self._refused: list[tuple[str, str]] = []
        self._broken: list[Finding] = []  # Their pictures are the angles.

    def add(self, folder: SetFolder, sku: str, *, variant: str = "", product_sku: str = "") -> SetExport:
        """Export the pictures of a set. What is held back, and why, is added to ``problems``. Raises InputError, OSError.

        ``variant``: which of several variants of a product it is; ``product_sku``: the SKU that they have in common.
        """
        known = len(self.problems)
        self._refused, self._broken = [], []
        chosen = selected(folder, self._channel, self._plan.wishes)
        items = [
            _Item(folder, sku, picture, number, variant, product_sku or sku)
            for number, picture in enumerate(chosen.pictures, 1)
        ]
        self._claim_names(items)
        made = [self._export(item) for item in items]
        exported = tuple(one for one in made if one)
        of = len(chosen.pictures) + len(chosen.held_back)
        self.problems += self._not_exported(sku, [*chosen.held_back.items(), *self._refused], of)
        about_all = self._check_together(sku, exported, len(chosen.pictures))
        return SetExport(files=exported, about_all=about_all, problems=tuple(self.problems[known:]))

    def _not_exported(self, sku: str, reasons: Sequence[tuple[str, str]], of: int) -> list[str]:
        """A sentence for each reason, with the angles it holds for; ``of`` is the number of all of them."""
        lines = [
            f"{sku}, {which(angles, of, self._channel)}: not exported, because {reason}."
            for reason, angles in by_reason(reasons).items()
        ]
        for group in by_rule(self._broken):
            angles = [finding.picture for finding in group]
            lines.append(f"{sku}, {which(angles, of, self._channel)}: not exported. {sentence(group)}")
        return lines

    def _check_together(self, sku: str, exported: Sequence[Exported], chosen: int) -> tuple[Finding, ...]:
        """Report the rules about all pictures of a set, such as their number. The pictures are kept.

        When none of the ``chosen`` pictures was exported, only their number is judged.
        """
        if not exported:
            return self._tell_of_all(sku, number_of(self._channel, chosen) if chosen else [])
        boxes = {one.name: self._records[one.name]["box"] for one in exported}
        pictures = {
            name: measured(self.root / name, box=tuple(box) if box else None) for name, box in boxes.items()
        }
        return self._tell_of_all(sku, findings_of(self._channel, pictures))

    def _tell_of_all(self, sku: str, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        found = tuple(one for one in findings if not one.picture)
        self.problems += [f"{sku}: {one.text}. {one.advice}" for one in found if one.is_failure]
        return found

    def keep_earlier(self, sku: str) -> None:
        """Keep the files of a product that cannot be read now: they are not out of date."""
        self._records = self._own.made_for(sku) | self._records

    def finish(self) -> list[str]:
        """Remove what an earlier export has written and this one has not, and write the list; the names removed."""
        return self._own.finish(self._channel.name, self._records)

    @property
    def files(self) -> list[Exported]:
        """Everything in the folder that belongs to this export, in order."""
        return list(self._files.values())

    def _claim_names(self, items: Sequence[_Item]) -> None:
        """Raises InputError, before anything is written, when a name is taken."""
        for item in items:
            name = self._name(item, self._layout(item.picture).size)
            self._claim(name, item.place)
            if not self._own.is_current(name, self._digest(item.picture)):
                self._own.refuse_foreign(name)

    def _layout(self, picture: Picture) -> Layout:
        with Image.open(picture.path) as opened:
            return layout_for(
                opened.size, picture.box, self._channel, side=self._plan.side or self._channel.side
            )

    def _export(self, item: _Item) -> Exported | None:
        picture = item.picture
        layout = self._layout(picture)
        name, digest = self._name(item, layout.size), self._digest(picture)
        path = self.root / name
        is_new = not self._own.is_current(name, digest)
        if is_new:
            try:
                self._write(item, layout, path)
            except ConformError as error:
                self._refused.append((picture.angle, str(error)))
                return None
        found = self._findings(item, path, layout)
        broken = [one for one in found if one.is_failure and one.rule.measure is not Measure.ORIGIN]
        if broken:
            path.unlink()
            self._broken += [replace(one, picture=picture.angle) for one in broken]
            return None
        return self._note(item, layout, path, digest, found, is_new=is_new)

    def _write(self, item: _Item, layout: Layout, path: Path) -> None:
        with Image.open(item.picture.path) as opened:
            shown = _cut_out(opened, item.picture) if self._channel.is_cut_out else opened
            picture = conformed(shown, layout, self._channel)
        provenance = provenance_of(item.folder.record, item.picture.entry)
        kind = self._plan.kind or self._channel.kind
        self._own.write(path.name, encoded(picture, self._channel, kind, provenance, path.name))

    def _note(
        self, item: _Item, layout: Layout, path: Path, digest: str, found: list[Finding], *, is_new: bool
    ) -> Exported:
        exported = Exported(
            name=path.name,
            sku=item.sku,
            product=item.product,
            angle=item.picture.angle,
            number=item.number,
            size=layout.size,
            sha256=sha256_of(path),
            bytes=path.stat().st_size,
            source_type=origin_of(item.picture),
            findings=tuple(found),
            is_new=is_new,
        )
        self._files[path.name] = exported
        self._records[path.name] = {
            "sku": item.sku,
            "angle": exported.angle,
            "sha256": exported.sha256,
            "made_with": digest,
            "width": layout.size[0],
            "height": layout.size[1],
            "box": list(layout.box) if layout.box else None,
            "source_type": exported.source_type,
            "unmet": [finding.text for finding in found if finding.is_failure],
        }
        return exported

    def _findings(self, item: _Item, path: Path, layout: Layout) -> list[Finding]:
        found = measured(path, box=layout.box, origin=origin_of(item.picture))
        close_ups = [item.place] if layout.box is None else []
        return [one for one in findings_of(self._channel, {item.place: found}, close_ups) if one.picture]

    def _name(self, item: _Item, size: tuple[int, int]) -> str:
        rule = file_rule("product")
        sku = item.product_sku if "{variant" in self._plan.template else item.sku
        return self._plan.template.format(
            sku=safe_name(sku, rule),
            product=safe_name(str(item.folder.record["product"]), rule),
            variant=safe_name(item.variant or "default", file_rule("variant")),
            angle=safe_name(item.picture.angle, file_rule("angle")),
            number=item.number,
            width=size[0],
            height=size[1],
            channel=self._channel.name,
        )

    def _claim(self, name: str, place: str) -> None:
        """Raises InputError when another picture has this name."""
        other = self._owners.setdefault(same_name(name), place)
        if other != place:
            raise InputError(
                f"{other} and {place} would both be named {name}.",
                hint="Add {sku}, {variant}, {angle} or {number} to --name.",
            )

    def _digest(self, picture: Picture) -> str:
        """Everything that decides the content of a file."""
        channel = {key: value for key, value in asdict(self._channel).items() if key != "rules"}
        parts: dict[str, object] = {
            "photo": picture.sha256,
            "box": picture.box,
            "channel": channel,
            "kind": self._plan.kind,
            "side": self._plan.side,
            "source_type": origin_of(picture),
            "signed": os.environ.get(signing.CERTIFICATE, ""),
        }
        if self._channel.is_cut_out and picture.mask:
            parts["mask"] = sha256_of(picture.mask)
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _cut_out(photo: Image.Image, picture: Picture) -> Image.Image:
    """The product without its background. A photo that is transparent already keeps its alpha, for glass and shadow."""
    photo = in_srgb(photo)
    if picture.mask is None or photo.mode == "RGBA":
        return photo
    with Image.open(picture.mask) as mask:
        inset = 0
        if picture.is_generated:  # A photo by an AI model follows its render to about two pixels.
            inset = GENERATED_INSET * ceil(photo.width / mask.width)
        return cut_out(photo, mask.convert("L"), inset=inset)


def boxes_in(root: Path) -> dict[str, Box | None]:
    """Where the product is in the files that an export wrote, by name; only of files that did not change since."""
    found: dict[str, Box | None] = {}
    for name, entry in listed_files(root).items():
        path, box = root / name, entry.get("box")
        if path.is_file() and sha256_of(path) == entry.get("sha256"):
            found[name] = (
                (box[0], box[1], box[2], box[3]) if isinstance(box, list) and len(box) == 4 else None
            )
    return found


def names_of(root: Path, sku: str) -> list[str]:
    """The files that an export wrote for a product."""
    return [name for name, entry in listed_files(root).items() if entry.get("sku") == sku]
