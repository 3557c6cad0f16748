# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a product comes from: a 3D file, photos or a text, checked before anything is written or spent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ..fal_bridge.endpoints.endpoint import MAX_PICTURE_BYTES
from ..files.input_files import open_regular, read_regular
from ..files.invisible import invisible_in
from ..files.kinds import PHOTO_NAMES, PHOTOS, FileKind, excess_of, kind_of_file, missing_end
from ..gltf.document import Gltf, read_gltf, sha256_of_source
from ..imaging.sent_picture import PictureError, opened_picture
from ..messages.errors import InputError
from .choices import MAX_PHOTOS
from .set_json import SourceRecord

# A GLB stores its length in 32 bits (glTF 2.0, 4.4.2); the other formats have no limit, so these are ours.
MAX_BYTES = {".glb": 4 << 30, ".gltf": 1 << 30, ".blend": 16 << 30}
MODEL_SUFFIXES = set(MAX_BYTES)
MIN_PHOTO_SIDE = 256
BLEND_MAGICS = (b"BLENDER", b"\x28\xb5\x2f\xfd", b"\x1f\x8b")  # Plain, Zstandard, gzip (before 3.0).


class SourceKind(StrEnum):
    MODEL = "model"
    PHOTOS = "photos"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the product comes from: one 3D file, one to four photos, or a text."""

    kind: SourceKind
    files: tuple[Path, ...] = ()
    text: str = ""
    addresses: Mapping[Path, str] = field(
        default_factory=dict
    )  # Web addresses of files that were downloaded; fal.ai reads them from there.
    kept: SourceRecord | None = None  # Of a set that is resumed: what its ``set.json`` says of the source.

    @property
    def model_name(self) -> str:
        """The name of the 3D model in messages."""
        return self.kept_names[0] if self.kind is SourceKind.MODEL else "The 3D model from fal"

    @property
    def kept_names(self) -> tuple[str, ...]:
        """The names of the files in the set: all different, even where two have the same name in different folders."""
        if self.kept is not None:
            return tuple(entry["name"] for entry in self.kept.get("files", []))
        names = [as_text(path.name) for path in self.files]
        if len({name.casefold() for name in names}) < len(names):
            names = [f"{number}-{name}" for number, name in enumerate(names, 1)]
        return tuple(names)

    def record(self) -> SourceRecord:
        """The member ``source`` of ``set.json``; the same source always gives the same record."""
        if self.kept is not None:
            return self.kept
        record: SourceRecord = {"kind": self.kind.value}
        if self.text:
            record["text"] = self.text
        if self.files:
            record["files"] = [
                {"name": name, "sha256": sha256_of_source(path)}
                for name, path in zip(self.kept_names, self.files, strict=True)
            ]
        return record


def source_from(paths: list[Path], text: str) -> Source:
    """The source from the paths or the text that the user gave. Raises InputError when it cannot be used."""
    if text.strip():
        if paths:
            raise InputError("Give either files or a text, not both.")
        return Source(kind=SourceKind.TEXT, text=as_text(text.strip()))
    if not paths:
        raise InputError(
            "No source is named.", hint="Give a .glb, .gltf or .blend file, 1-4 photos, or a text."
        )
    for path in paths:
        try:
            with open_regular(path, MAX_BYTES.get(path.suffix.lower(), MAX_PICTURE_BYTES)) as stream:
                empty = not stream.read(1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"{path} does not exist.", hint=_name_hint(path)) from error
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror}).",
                hint="Name the 3D file or the photos themselves.",
            ) from error
        if empty:
            raise InputError(f"{path} is empty.", hint="Export or copy it again.")
    models = [path for path in paths if path.suffix.lower() in MODEL_SUFFIXES]
    if models:
        if len(paths) > 1:
            raise InputError(
                "A 3D file cannot be combined with other files.", hint="Give one 3D file, or only photos."
            )
        _check_model(models[0])
        return Source(kind=SourceKind.MODEL, files=(models[0],))
    if len(paths) > MAX_PHOTOS:
        raise InputError(
            f"{len(paths)} photos exceed the maximum of {MAX_PHOTOS}.",
            hint="Give one to four of the same object.",
        )
    for path in paths:
        _check_photo(path)
    return Source(kind=SourceKind.PHOTOS, files=tuple(paths))


def missing_key_error(source: Source) -> InputError:
    """Why a product of ``source`` cannot be made without a key."""
    if source.kind is SourceKind.MODEL:
        return InputError(
            "fal.ai needs a key, and none is set.",
            hint="Set FAL_KEY (or FAL_KEY_FILE), or use the engine cycles, which is free.",
        )
    made_from = "a text" if source.kind is SourceKind.TEXT else "photos"
    return InputError(
        f"A 3D model from {made_from} is made by fal.ai, which needs a key, and none is set.",
        hint="Set FAL_KEY (or FAL_KEY_FILE), or give a 3D file: that is free.",
    )


def _name_hint(path: Path) -> str:
    unseen = invisible_in(path.name)
    return f"Its name has an invisible character ({unseen}): type it again." if unseen else "Check the name."


def as_text(name: str) -> str:
    """``name`` without surrogates, which Python puts for bytes of a file name that are not valid UTF-8."""
    return name.encode(errors="replace").decode()


def _check_model(path: Path) -> None:
    match path.suffix.lower():
        case ".glb":
            if kind_of_file(path) is not FileKind.GLB:
                raise InputError(
                    f"{path.name} is not a GLB file by its content.", hint="Export it again as glTF Binary."
                )
            if gap := missing_end(path):
                raise InputError(f"{path.name} is cut off: {gap}.", hint="Copy or download it again.")
            _require_mesh(read_gltf(path, without_binary=True))
        case ".gltf":
            _require_mesh(read_gltf(path, without_binary=True))
        case ".blend":
            with open_regular(path) as stream:
                if not stream.read(7).startswith(BLEND_MAGICS):
                    raise InputError(f"{path.name} is not a Blender file by its content.")


def _require_mesh(gltf: Gltf) -> None:
    if not gltf.document.get("meshes"):
        raise InputError(f"{gltf.name} has no mesh.", hint="Export the product's meshes into it.")


def _check_photo(path: Path) -> None:
    if kind_of_file(path) not in PHOTOS:
        raise InputError(
            f"{path.name} is neither a 3D file (.glb, .gltf, .blend) nor a {PHOTO_NAMES}.",
            hint="Convert it first.",
        )
    if excess := excess_of(path):
        raise InputError(f"{path.name} cannot be read safely: {excess}.", hint="Export the photo again.")
    try:
        with opened_picture(read_regular(path, MAX_PICTURE_BYTES)) as photo:
            side = min(photo.size)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    except PictureError as error:
        raise InputError(f"{path.name} {error}.", hint=error.hint) from error
    if side < MIN_PHOTO_SIDE:
        raise InputError(
            f"{path.name} is too small ({side} px).", hint=f"Use photos of {MIN_PHOTO_SIDE} px or more."
        )
