# SPDX-License-Identifier: GPL-3.0-or-later
"""What a set is made from and how, checked before anything is written or spent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NewType

from ..fal_bridge.endpoints.choosing import (
    DEFAULT_PHOTO_ENDPOINT,
    DEFAULT_UPSCALE_ENDPOINT,
    DEFAULT_VIDEO_ENDPOINT,
    default_model_endpoint,
    endpoint_for,
)
from ..fal_bridge.endpoints.endpoint import Endpoint
from ..fal_bridge.endpoints.registry import REGISTRY
from ..fal_bridge.jobs import Generation, Kind, Role
from ..fal_bridge.network.lifecycle import DAY_SECONDS
from ..fal_bridge.network.service import Service
from ..fal_bridge.network.webhooks import checked_webhook
from ..files.values import checked, list_of, member_of, optional, truth
from ..gltf.choices import REST, ModelOptions, Surrounding
from ..gltf.document import read_gltf
from ..gltf.edits import with_variant
from ..imaging.choices import Background, Guide, Lock, Pass, Preview
from ..messages.errors import FieldError
from ..optics.angles import F_STOP, KEPT_ANGLES, LENS, LENS_MM, Angle, hero_of
from ..optics.rig_choice import RigChoice, kept_rig
from ..optics.sizes import DEFAULT_SIZE, SIDE, Size, size_of_sides
from ..optics.spin import Spin, kept_spin
from .choices import FINAL, LANCZOS, MAX_SEED, Engine, Fidelity
from .model_views import model_inputs, most_pictures
from .photo_inputs import check_photo_inputs, photo_text
from .plan_values import (
    DEVICE,
    ENDPOINT,
    EXPIRATION,
    INLINE_BYTES,
    LOOK,
    MOTION,
    OPTION_TEXTS,
    POSE,
    PROMPT,
    QUALITY,
    RETRIES,
    SAMPLES,
    SECONDS,
    SEED,
    UPSCALE_ENDPOINT,
    VARIANT,
    WEBHOOK,
    WITHOUT,
)
from .prompts import DEFAULT_LOOK, LOOKS, TURNTABLE, concept_prompt
from .source import Source, SourceKind, as_text, missing_key_error
from .variants import COLORS, Variant, check_variants, kept_variants
from .video_plan import check_video, video_text

TYPICAL_PHOTO_PIXELS = 1024 * 1024  # Image models mostly give about one megapixel.


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """Everything that decides what a set becomes. ``service`` is needed when fal.ai is used.

    A member that ``set.json`` keeps has its rule: what is read back is checked by it, as arguments are.
    """

    source: Source
    out: Path
    angles: Annotated[tuple[Angle, ...], KEPT_ANGLES]
    engine: Annotated[Engine, member_of(Engine)] = Engine.CYCLES
    video: Annotated[Engine | None, optional(member_of(Engine))] = Engine.CYCLES
    resolution: Annotated[Size, size_of_sides] = DEFAULT_SIZE
    lens_mm: Annotated[float, LENS] = LENS_MM  # Full-frame equivalent; for angles without a lens.
    samples: Annotated[int | None, optional(SAMPLES)] = None
    device: Annotated[str, DEVICE] = "auto"
    background: Annotated[Background, member_of(Background)] = Background.WHITE
    rig: Annotated[RigChoice, kept_rig] = field(
        default_factory=RigChoice
    )  # For references, and photos and video by Cycles.
    quality: Annotated[str, QUALITY] = FINAL  # Of photos by Cycles.
    f_stop: Annotated[float | None, optional(F_STOP)] = (
        None  # Of photos by Cycles; left out, the whole product is sharp.
    )
    film_look: Annotated[bool, truth] = False
    passes: Annotated[
        tuple[Pass, ...], list_of(member_of(Pass), len(Pass))
    ] = ()  # Written for every reference.
    preview: Annotated[Preview | None, optional(member_of(Preview))] = (
        None  # A small animation of the video by Cycles.
    )
    spin: Annotated[Spin | None, optional(kept_spin)] = None  # By Cycles.
    variant: Annotated[str, VARIANT] = (
        ""  # Of the materials in the 3D file (KHR_materials_variants); "" for its usual ones.
    )
    variants: Annotated[tuple[Variant, ...], kept_variants] = ()  # If there are several: all, this one first.
    colors: Annotated[Mapping[str, str], COLORS] = field(default_factory=dict)  # By material.
    title: Annotated[str, PROMPT] = ""  # Of a variant of another set, whose cameras it has.
    pose: Annotated[str, POSE] = REST
    without: Annotated[tuple[Surrounding, ...], WITHOUT] = ()  # What came with the model and is left out.
    model_endpoint: Annotated[str, ENDPOINT] = ""
    photo_endpoint: Annotated[str, ENDPOINT] = DEFAULT_PHOTO_ENDPOINT
    video_endpoint: Annotated[str, ENDPOINT] = DEFAULT_VIDEO_ENDPOINT
    concept_endpoint: Annotated[str, ENDPOINT] = ""
    option_texts: Annotated[Mapping[Kind, Mapping[str, str]], OPTION_TEXTS] = field(
        default_factory=dict
    )  # As the user gave them.
    fidelity: Annotated[Fidelity, member_of(Fidelity)] = Fidelity.GATE  # Of photos by fal.ai.
    retries: Annotated[int, RETRIES] = 1  # Further photos of an angle after a rejected one.
    lock: Annotated[Lock, member_of(Lock)] = Lock.NONE  # What photos by fal.ai take from their renders.
    with_hero: Annotated[bool, truth] = (
        False  # Show the hero's photo to the photo model with every other angle.
    )
    guide: Annotated[Guide | None, optional(member_of(Guide))] = None  # What photos by fal.ai are held by.
    with_mask: Annotated[bool, truth] = False  # Only the product may change in photos by fal.ai.
    motion: Annotated[str, MOTION] = TURNTABLE
    look: Annotated[str, LOOK] = DEFAULT_LOOK
    seconds: Annotated[int | None, optional(SECONDS)] = (
        None  # Of the video; None: 5 by Cycles, by fal.ai chosen by the look.
    )
    loop: Annotated[bool, truth] = False
    photo_size: Annotated[int | None, optional(SIDE)] = (
        None  # Pixels of the longer side; photos that are smaller are enlarged.
    )
    upscale_endpoint: Annotated[str, UPSCALE_ENDPOINT] = (
        DEFAULT_UPSCALE_ENDPOINT  # Or LANCZOS, which is free.
    )
    prompt: Annotated[str, PROMPT] = ""
    seed: Annotated[int | None, optional(SEED)] = None
    keep_uploads: Annotated[bool, truth] = False  # And results: as long as the account keeps files.
    expiration: Annotated[int, EXPIRATION] = DAY_SECONDS  # Of uploads and results, unless they are kept.
    private: Annotated[bool, truth] = False  # Results can be read only with the key.
    webhook: Annotated[str, WEBHOOK] = ""
    service: Service | None = None
    inline_bytes: Annotated[int, INLINE_BYTES] = (
        0  # Files up to this size go inside the request instead of being uploaded.
    )
    endpoints: Mapping[str, Endpoint] = field(default_factory=lambda: REGISTRY, repr=False)
    # Folders besides its own that a .blend may read from. Only the user can allow them, for each run; no file can.
    external_data: tuple[Path, ...] = ()

    @property
    def product(self) -> str:
        """A name for the product: of its 3D file, else of the folder, whose name the user chose for it."""
        if self.title or self.source.kind is SourceKind.MODEL:
            return self.title or as_text(self.source.files[0].stem)
        return as_text(self.out.absolute().name)

    @property
    def model_options(self) -> ModelOptions:
        return ModelOptions(pose=self.pose, without=self.without)

    @property
    def uses_fal(self) -> bool:
        return Engine.FAL in (self.engine, self.video) or self.source.kind is not SourceKind.MODEL

    @property
    def checks_photos(self) -> bool:
        """Whether photos are compared with their renders."""
        return self.engine is Engine.FAL and self.fidelity is not Fidelity.OFF

    @property
    def photo_retries(self) -> int:
        """How often the photo of an angle may be requested again because it was rejected."""
        return self.retries if self.engine is Engine.FAL and self.fidelity is Fidelity.GATE else 0

    @property
    def chosen_model_endpoint(self) -> str:
        pictures = 1 if self.concept_endpoint else len(self.source.files)
        return self.model_endpoint or default_model_endpoint(pictures)

    @property
    def endpoint_ids(self) -> dict[Kind, str]:
        """The endpoints that this set uses."""
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
        """The user's inputs for an endpoint, checked."""
        return self.endpoint(kind).parsed_options(self.option_texts.get(kind, {}))

    @property
    def video_seconds(self) -> int:
        """The length of the video by fal.ai, in seconds."""
        return self.seconds or self.endpoint(Kind.VIDEO).nearest_seconds(LOOKS[self.look].seconds)

    def generation(self, kind: Kind, label: str, *, take: int = 1, **members: Any) -> Generation:
        """A request for this set; ``members`` are those of ``Generation`` that the plan does not know.

        ``take`` counts from 1: another take is another request, with another seed where the endpoint has one.
        """
        if not self.endpoint(kind).images[1]:
            members["images"] = ()
        seed = self.seed if take == 1 else ((self.seed or 0) + take - 1) % (MAX_SEED + 1)
        return Generation(
            kind=kind,
            endpoint=self.endpoint_ids[kind],
            label=label,
            seed=seed,
            options=self.options(kind),
            take=1 if self.endpoint(kind).seed_field else take,
            **members,
        )

    def check(self) -> "CheckedPlan":
        """This plan. Raises InputError for what would otherwise fail only after money is spent."""
        if self.uses_fal and self.service is None:
            raise missing_key_error(self.source)
        if self.webhook:
            if self.service is None or not self.uses_fal:
                raise FieldError("webhook", "A webhook needs fal.ai, and this set does not use it.")
            checked_webhook(self.webhook, self.service)
        checked(LENS, self.lens_mm, "The lens")
        self._check_source()
        self._check_options()
        self._check_photos()
        self._check_cycles()
        check_video(self)
        check_variants(self)
        return CheckedPlan(self)

    def check_prompts(self) -> None:
        """Raises FieldError for a text that an endpoint would reject, before anything is spent.

        Not part of ``check``: a set that was begun with such a text still fetches what is paid.
        """
        for kind, text in self._prompts():
            endpoint = self.endpoint(kind)
            if endpoint.prompt_field and len(text) > endpoint.prompt_length:
                raise FieldError(
                    "text" if kind in (Kind.MODEL, Kind.CONCEPT) else "prompt",
                    f"The prompt for the {kind} has {len(text)} characters with what is added to it, and {endpoint.id} "
                    f"accepts {endpoint.prompt_length}.",
                    hint="Shorten it.",
                )

    def _prompts(self) -> Iterator[tuple[Kind, str]]:
        """The prompts of this set, as they are sent."""
        ids = self.endpoint_ids
        if Kind.CONCEPT in ids:
            yield Kind.CONCEPT, concept_prompt(self.source.text)
        elif Kind.MODEL in ids:
            yield Kind.MODEL, self.source.text
        if Kind.PHOTO in ids:
            for angle in self.angles:
                shown = self.with_hero and angle.name != hero_of(list(self.angles)).name
                yield Kind.PHOTO, photo_text(self, angle, has_hero=shown)
        if Kind.VIDEO in ids:
            yield Kind.VIDEO, self.endpoint(Kind.VIDEO).prompt_start + video_text(self)

    def _check_source(self) -> None:
        """The materials of a 3D file, or who makes the 3D model and from what."""
        if self.variant:
            if self.source.kind is not SourceKind.MODEL:
                raise FieldError(
                    "variant", "A variant chooses among the materials of a 3D file.", hint="Leave it out."
                )
            path = self.source.files[0]
            if path.suffix.lower() != ".blend" and path.is_file():  # Blender checks the variants of a .blend.
                with_variant(read_gltf(path, without_binary=True), self.variant)
        if self.concept_endpoint and self.source.kind is not SourceKind.TEXT:
            raise FieldError(
                "concept_endpoint",
                "A concept endpoint draws a picture from a text.",
                hint="Use it with a text instead of files.",
            )
        if Kind.MODEL in self.endpoint_ids:
            self._check_model()

    def _check_model(self) -> None:
        endpoint, pictures = self.endpoint(Kind.MODEL), len(self.source.files)
        if self.concept_endpoint:
            pictures = 1
        minimum, maximum = endpoint.images[0], most_pictures(endpoint)
        if pictures < minimum and pictures:
            raise FieldError(
                "model_endpoint",
                f"{endpoint.id} needs at least {minimum} photos, not {pictures}.",
                hint="Choose another model endpoint.",
            )
        if pictures < minimum:
            raise FieldError(
                "model_endpoint",
                f"{endpoint.id} makes models from pictures, not from a text.",
                hint="Name a concept endpoint, such as fal-ai/flux/schnell, that draws one first, or give a photo.",
            )
        if pictures > maximum:
            accepts = (
                f"at most {maximum} picture{'s' * (maximum > 1)}, not {pictures}"
                if maximum
                else "only a text"
            )
            raise FieldError(
                "model_endpoint", f"{endpoint.id} accepts {accepts}.", hint="Choose another model endpoint."
            )
        if self.source.kind is SourceKind.PHOTOS:
            model_inputs(self, self.source.files)

    def _check_options(self) -> None:
        """The user's own inputs for endpoints."""
        for kind in self.endpoint_ids:
            self.options(kind)
        for kind, texts in self.option_texts.items():
            if texts and kind not in self.endpoint_ids:
                raise FieldError(
                    f"{kind}_option",
                    f"There is an option for the {kind} endpoint, but this set does not use one.",
                    hint="Leave it out.",
                )

    def _check_photos(self) -> None:
        """Photos by fal.ai and their size."""
        photo = self.endpoint(Kind.PHOTO) if self.engine is Engine.FAL else None
        if photo and not photo.images[1] and Role.GUIDE not in photo.slots:
            raise FieldError(
                "photo_endpoint",
                f"{self.photo_endpoint} does not accept pictures.",
                hint="Choose an endpoint that edits pictures.",
            )
        if self.with_hero and (self.engine is not Engine.FAL or self.endpoint(Kind.PHOTO).images[1] < 2):
            if self.engine is not Engine.FAL:
                raise FieldError(
                    "with_hero",
                    "The first photo is shown only to photo models of fal.ai, and Cycles makes these photos.",
                    hint="Leave it out.",
                )
            raise FieldError(
                "with_hero",
                "Showing the first photo to the photo model needs a photo endpoint that accepts several pictures.",
                hint="For example fal-ai/flux-pro/kontext/multi.",
            )
        if self.lock is not Lock.NONE and not (self.checks_photos and self.fidelity is Fidelity.GATE):
            raise FieldError(
                "lock",
                "Only photos by fal.ai that pass the gate are locked to their renders.",
                hint="Photos by Cycles are exact. For those by fal.ai, choose gate for the check.",
            )
        check_photo_inputs(self)
        if self.photo_size is not None:
            self._check_photo_size(self.photo_size)

    def _check_photo_size(self, size: int) -> None:
        if self.engine is not Engine.FAL:
            raise FieldError(
                "photo_size",
                "The photo size enlarges photos by fal.ai.",
                hint="Cycles renders any size: set the resolution instead.",
            )
        if Kind.UPSCALE in self.endpoint_ids:
            usual = self.resolution.of_pixels(TYPICAL_PHOTO_PIXELS).longer
            maximum = int(max(self.endpoint(Kind.UPSCALE).factors, default=1) * usual)
            if size > maximum:
                raise FieldError(
                    "photo_size",
                    f"{self.upscale_endpoint} makes at most {maximum} px of a photo of {usual} px.",
                    hint="Choose another upscale endpoint or a smaller photo size.",
                )

    def _check_cycles(self) -> None:
        """What only Cycles can do."""
        if self.engine is not Engine.CYCLES and (self.f_stop is not None or self.film_look):
            field, name = ("film_look", "The film look") if self.f_stop is None else ("f_stop", "The f-stop")
            raise FieldError(
                field, f"{name} is for photos by Cycles.", hint="Describe it to fal.ai in the prompt."
            )
        if self.f_stop is not None:
            checked(F_STOP, self.f_stop, "The f-stop", hint="Leave it out to have everything sharp.")
        if self.preview and self.video is not Engine.CYCLES:
            raise FieldError(
                "preview",
                "An animated preview needs a video by Cycles.",
                hint="Choose cycles for the video.",
            )


# A plan whose ``check`` has passed. What spends money takes no other, so mypy finds a plan that was not checked.
CheckedPlan = NewType("CheckedPlan", SetPlan)
