# SPDX-License-Identifier: GPL-3.0-or-later
"""What a set is to be made from and how, checked before anything is written or spent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from ..fal_bridge.endpoints.choosing import (
    DEFAULT_PHOTO_ENDPOINT,
    DEFAULT_UPSCALE_ENDPOINT,
    DEFAULT_VIDEO_ENDPOINT,
    default_model_endpoint,
    endpoint_for,
)
from ..fal_bridge.endpoints.endpoint import MAX_PICTURE_BYTES, Endpoint
from ..fal_bridge.endpoints.registry import REGISTRY
from ..fal_bridge.jobs import Generation, Kind
from ..fal_bridge.network.service import Service
from ..fal_bridge.network.webhooks import checked_webhook
from ..files.input_files import open_regular
from ..files.kinds import PICTURES, FileKind, kind_of_file, missing_end
from ..files.values import checked
from ..gltf.document import Gltf, read_gltf, sha256_of_source
from ..gltf.edits import with_variant
from ..imaging.choices import Background, Pass, Preview
from ..messages.errors import InputError
from ..optics.angles import CAMERAS, F_STOP, LENS, LENS_MM, Angle, chosen_angles
from ..optics.cameras import cameras_in
from ..optics.rig_choice import RigChoice
from ..optics.sizes import DEFAULT_SIZE, Size
from .choices import FINAL, LANCZOS, MAX_PHOTOS, MAX_SEED, Engine
from .folder import Record
from .prompts import LOOKS, TURNTABLE, USUAL_LOOK

# The header of a GLB counts its bytes in 32 bits (glTF 2.0, 4.4.2); the others have no limit of their own.
MOST_BYTES = {".glb": 4 << 30, ".gltf": 1 << 30, ".blend": 16 << 30}
MODEL_SUFFIXES = set(MOST_BYTES)
LEAST_PHOTO_SIDE = 256
USUAL_PIXELS = 1024 * 1024  # Image models mostly give about one megapixel.
BLEND_MAGICS = (b"BLENDER", b"\x28\xb5\x2f\xfd", b"\x1f\x8b")  # Plain, Zstandard, gzip (before 3.0).


class SourceKind(StrEnum):
    MODEL = "model"
    PHOTOS = "photos"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the product comes from: one 3D file, one to four photos, or words."""

    kind: SourceKind
    files: tuple[Path, ...] = ()
    text: str = ""
    addresses: Mapping[Path, str] = field(
        default_factory=dict
    )  # Where files came from; fal.ai goes there too.
    kept: Record | None = None  # Of a set that is resumed: what its ``set.json`` says of the source.

    @property
    def model_name(self) -> str:
        """What messages call the 3D model."""
        return self.kept_names[0] if self.kind is SourceKind.MODEL else "The 3D model from fal"

    @property
    def kept_names(self) -> tuple[str, ...]:
        """What the set calls the files: each another name, whatever their folders are."""
        if self.kept is not None:
            return tuple(entry["name"] for entry in self.kept.get("files", []))
        names = [_as_text(path.name) for path in self.files]
        if len({name.casefold() for name in names}) < len(names):
            names = [f"{number}-{name}" for number, name in enumerate(names, 1)]
        return tuple(names)

    def record(self) -> Record:
        """What ``set.json`` keeps of it: the same source gives the same record."""
        if self.kept is not None:
            return self.kept
        record: Record = {"kind": self.kind.value}
        if self.text:
            record["text"] = self.text
        if self.files:
            record["files"] = [
                {"name": name, "sha256": sha256_of_source(path)}
                for name, path in zip(self.kept_names, self.files, strict=True)
            ]
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """Everything that decides what a set becomes. ``service`` is there when fal takes part."""

    source: Source
    out: Path
    angles: tuple[Angle, ...]
    engine: Engine = Engine.CYCLES
    video: Engine | None = Engine.CYCLES
    resolution: Size = DEFAULT_SIZE
    lens_mm: float = LENS_MM  # Full-frame equivalent, of angles that have none of their own.
    samples: int | None = None
    device: str = "auto"
    background: Background = Background.WHITE
    rig: RigChoice = field(default_factory=RigChoice)  # Of photos and film by Cycles, and of the references.
    quality: str = FINAL  # Of photos by Cycles.
    f_stop: float | None = None  # Of photos by Cycles; left out, the whole product is sharp.
    film_look: bool = False
    passes: tuple[Pass, ...] = ()  # Beside every reference.
    preview: Preview | None = None  # A moving picture beside the film by Cycles.
    variant: str = ""  # Of the materials in the 3D file (KHR_materials_variants); "" for its usual ones.
    model_endpoint: str = ""
    photo_endpoint: str = DEFAULT_PHOTO_ENDPOINT
    video_endpoint: str = DEFAULT_VIDEO_ENDPOINT
    concept_endpoint: str = ""
    option_texts: Mapping[Kind, Mapping[str, str]] = field(default_factory=dict)  # As the user wrote them.
    with_hero: bool = False  # Show the hero's photo to the photo model with every other angle.
    motion: str = TURNTABLE
    look: str = USUAL_LOOK
    seconds: int | None = None  # Of a film by fal; chosen by the look when left out.
    loop: bool = False
    photo_size: int | None = None  # Pixels of the longer side; photos that are smaller are enlarged.
    upscale_endpoint: str = DEFAULT_UPSCALE_ENDPOINT  # Or LANCZOS, which is free.
    prompt: str = ""
    seed: int | None = None
    keep_uploads: bool = False
    webhook: str = ""
    service: Service | None = None
    inline_bytes: int = 0  # Files up to this size go inside the request instead of being uploaded.
    endpoints: Mapping[str, Endpoint] = field(default_factory=lambda: REGISTRY, repr=False)
    # Folders beside its own that a .blend may read from. Only the user says so, at each run: no file can.
    external_data: tuple[Path, ...] = ()

    @property
    def product(self) -> str:
        """A name for the product: of its 3D file, else of the folder, whose name the user chose for it."""
        if self.source.kind is SourceKind.MODEL:
            return _as_text(self.source.files[0].stem)
        return _as_text(self.out.absolute().name)

    @property
    def uses_fal(self) -> bool:
        return Engine.FAL in (self.engine, self.video) or self.source.kind is not SourceKind.MODEL

    @property
    def chosen_model_endpoint(self) -> str:
        pictures = 1 if self.concept_endpoint else len(self.source.files)
        return self.model_endpoint or default_model_endpoint(pictures)

    @property
    def endpoint_ids(self) -> dict[Kind, str]:
        """The endpoints that this set pays for."""
        ids = {}
        if self.concept_endpoint:
            ids[Kind.CONCEPT] = self.concept_endpoint
        if self.source.kind is not SourceKind.MODEL:
            ids[Kind.MODEL] = self.chosen_model_endpoint
        if self.engine is Engine.FAL:
            ids[Kind.PHOTO] = self.photo_endpoint
            if self.photo_size and self.upscale_endpoint != LANCZOS:
                ids[Kind.UPSCALE] = self.upscale_endpoint
        if self.video is Engine.FAL:
            ids[Kind.VIDEO] = self.video_endpoint
        return ids

    def endpoint(self, kind: Kind) -> Endpoint:
        return endpoint_for(self.endpoint_ids[kind], kind, self.endpoints)

    def options(self, kind: Kind) -> dict[str, Any]:
        """The user's own inputs for an endpoint, checked."""
        return self.endpoint(kind).parsed_options(self.option_texts.get(kind, {}))

    @property
    def film_seconds(self) -> int:
        """The length of the film by fal."""
        return self.seconds or self.endpoint(Kind.VIDEO).nearest_seconds(LOOKS[self.look].seconds)

    def generation(self, kind: Kind, label: str, *, take: int = 1, **words: Any) -> Generation:
        """A wish for this set; ``words`` are the members of ``Generation`` that the plan does not know.

        ``take`` counts from 1: what the user wants once more is another request, by another seed where there is one.
        """
        seed = self.seed if take == 1 else ((self.seed or 0) + take - 1) % (MAX_SEED + 1)
        return Generation(
            kind=kind,
            endpoint=self.endpoint_ids[kind],
            label=label,
            seed=seed,
            options=self.options(kind),
            take=1 if self.endpoint(kind).seed_field else take,
            **words,
        )

    def check(self) -> None:
        """Raises InputError for what could only fail later, when money is spent."""
        if self.uses_fal and self.service is None:
            raise InputError(
                "fal.ai needs a key and none is set.",
                hint="Set FAL_KEY (or FAL_KEY_FILE), or use a GLB with --engine cycles, which is free.",
            )
        if self.webhook:
            if self.service is None or not self.uses_fal:
                raise InputError("A webhook needs fal.ai, and this set does not use it.")
            checked_webhook(self.webhook, self.service)
        self._check_variant()
        if self.concept_endpoint and self.source.kind is not SourceKind.TEXT:
            raise InputError("--concept-endpoint draws a picture from words.", hint="Use it with --text.")
        checked(LENS, self.lens_mm, "The lens")
        for kind in self.endpoint_ids:
            self.options(kind)
        for kind, texts in self.option_texts.items():
            if texts and kind not in self.endpoint_ids:
                raise InputError(f"--{kind}-option is given, but this set asks fal.ai for no {kind}.")
        if Kind.MODEL in self.endpoint_ids:
            self._check_model()
        if self.engine is Engine.FAL and not self.endpoint(Kind.PHOTO).images[1]:
            raise InputError(
                f"{self.photo_endpoint} takes no picture.", hint="Choose one that edits pictures."
            )
        if self.with_hero and (self.engine is not Engine.FAL or self.endpoint(Kind.PHOTO).images[1] < 2):
            raise InputError(
                "--with-hero needs a photo endpoint that takes several pictures.",
                hint="For example --photo-endpoint fal-ai/flux-pro/kontext/multi.",
            )
        self._check_size()
        self._check_cycles()
        self._check_film()

    def _check_variant(self) -> None:
        if not self.variant:
            return
        if self.source.kind is not SourceKind.MODEL:
            raise InputError("--variant chooses among the materials of a 3D file.", hint="Leave it out.")
        path = self.source.files[0]
        if path.suffix.lower() != ".blend" and path.is_file():  # A .blend tells its variants when it is open.
            with_variant(read_gltf(path, without_binary=True), self.variant)

    def _check_size(self) -> None:
        if self.photo_size is None:
            return
        if self.engine is not Engine.FAL:
            raise InputError(
                "--photo-size enlarges photos by fal.", hint="Cycles renders any size: use --resolution."
            )
        if Kind.UPSCALE in self.endpoint_ids:
            usual = self.resolution.of_pixels(USUAL_PIXELS).longer
            most = int(max(self.endpoint(Kind.UPSCALE).factors, default=1) * usual)
            if self.photo_size > most:
                raise InputError(
                    f"{self.upscale_endpoint} makes at most {most} px of a photo of {usual} px.",
                    hint="Choose another --upscale-endpoint or a smaller --photo-size.",
                )

    def _check_cycles(self) -> None:
        """What only Cycles does, and only when it is asked to."""
        if self.engine is not Engine.CYCLES and (self.f_stop is not None or self.film_look):
            raise InputError(
                f"{'--film-look' if self.f_stop is None else '--f-stop'} is for photos by Cycles.",
                hint="Tell fal.ai with --prompt.",
            )
        if self.f_stop is not None:
            checked(F_STOP, self.f_stop, "The f-stop", hint="Leave --f-stop out to have everything sharp.")
        if self.preview and self.video is not Engine.CYCLES:
            raise InputError("--preview goes with a film by Cycles.", hint="Add --video cycles.")

    def _check_model(self) -> None:
        endpoint, pictures = self.endpoint(Kind.MODEL), len(self.source.files)
        if self.concept_endpoint:
            pictures = 1
        fewest, most = endpoint.images
        if pictures < fewest:
            raise InputError(
                f"{endpoint.id} makes models from pictures, not from words.",
                hint="Add --concept-endpoint fal-ai/flux/schnell to draw one first, or give a photo.",
            )
        if pictures > most:
            words = f"takes {most} picture{'s' * (most > 1)}, not {pictures}" if most else "takes only words"
            raise InputError(f"{endpoint.id} {words}.", hint="Choose another --model-endpoint.")

    def _check_film(self) -> None:
        if self.video is not Engine.FAL:
            if self.loop:
                raise InputError(
                    "--loop is for films by fal.", hint="By Cycles, turntable and light-sweep always loop."
                )
            if self.seconds:
                raise InputError("--seconds is for films by fal.", hint="A film by Cycles takes 5 s.")
            return
        film = self.endpoint(Kind.VIDEO)
        if self.loop and not film.end_image_field:
            raise InputError(
                f"{film.id} takes no picture for the end.", hint="Choose another --video-endpoint."
            )
        if self.seconds and film.seconds and self.seconds not in film.seconds:
            raise InputError(f"{film.id} {film.seconds_sentence(self.seconds)}")
        if film.end_image_is_needed and not self.loop:
            raise InputError(f"{film.id} needs a picture for the end.", hint="Use --loop.")


def source_from(paths: list[Path], text: str) -> Source:
    """The source that the user named. Raises InputError with what is wrong with it."""
    if text.strip():
        if paths:
            raise InputError("Give either files or --text, not both.")
        return Source(kind=SourceKind.TEXT, text=_as_text(text.strip()))
    if not paths:
        raise InputError(
            "No source is named.", hint="Give a .glb, .gltf or .blend file, 1-4 photos, or --text."
        )
    for path in paths:
        try:
            with open_regular(path, MOST_BYTES.get(path.suffix.lower(), MAX_PICTURE_BYTES)) as stream:
                empty = not stream.read(1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"{path} does not exist.", hint="Check the name.") from error
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror}).",
                hint="Name the 3D file or the photos themselves.",
            ) from error
        if empty:
            raise InputError(f"{path} is empty.")
    models = [path for path in paths if path.suffix.lower() in MODEL_SUFFIXES]
    if models:
        if len(paths) > 1:
            raise InputError("A 3D file is a source by itself.", hint="Give one 3D file, or only photos.")
        _check_model(models[0])
        return Source(kind=SourceKind.MODEL, files=(models[0],))
    if len(paths) > MAX_PHOTOS:
        raise InputError(f"{len(paths)} photos are too many.", hint="Give one to four of the same object.")
    for path in paths:
        _check_photo(path)
    return Source(kind=SourceKind.PHOTOS, files=tuple(paths))


def angles_for(
    text: str, source: Source, cameras_of_blend: Callable[[Path], list[Angle]]
) -> tuple[Angle, ...]:
    """The angles that ``--angles`` names, for the product of ``source``.

    ``cameras_of_blend`` gives the cameras of a Blender file, which only Blender can read.
    Raises InputError as ``chosen_angles``, and when cameras are asked for that are not there.
    """
    if text.strip() != CAMERAS:
        return tuple(chosen_angles(text))
    if source.kind is not SourceKind.MODEL:
        raise InputError(
            "A 3D model that fal.ai makes has no cameras.", hint="Name other --angles, or give a 3D file."
        )
    path = source.files[0]
    if path.suffix.lower() == ".blend":
        return tuple(cameras_of_blend(path))
    return tuple(cameras_in(read_gltf(path, without_binary=True).document, path.name))


def _as_text(name: str) -> str:
    """Without the stand-ins of bytes that are no UTF-8, which file names may have."""
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
    if kind_of_file(path) not in PICTURES:
        raise InputError(
            f"{path.name} is neither a 3D file (.glb, .gltf, .blend) nor a PNG, JPEG or WebP photo.",
            hint="Convert it first.",
        )
    try:
        with open_regular(path, MAX_PICTURE_BYTES) as stream, Image.open(stream) as photo:
            photo.load()
            side = min(photo.size)
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{path.name} has too many pixels to be read safely.", hint="Scale it to 4096 pixels a side."
        ) from error
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise InputError(f"{path.name} is damaged: {error}.", hint="Export the photo again.") from error
    if side < LEAST_PHOTO_SIDE:
        raise InputError(
            f"{path.name} is too small ({side} px).", hint=f"Use photos of {LEAST_PHOTO_SIDE} px or more."
        )
