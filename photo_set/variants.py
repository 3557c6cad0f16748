# SPDX-License-Identifier: GPL-3.0-or-later
"""The variants of a product in one set: which ones there are, what they are called, and the plan of each.

The first variant is in the set folder itself. Each other one is a complete set in a folder below ``variants/``, with
the cameras, the masks and the light of the first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files.names import file_rule, inner_path, safe_name, same_name
from ..files.values import list_of, mapping_of, record_of, shown, text
from ..gltf.colors import FIELD as COLOR
from ..gltf.colors import MAX_SLOTS, color, known_slot, parse_colors
from ..gltf.document import Gltf, read_gltf
from ..gltf.edits import known_variant, usual_variant, with_variant, without_variants
from ..messages.errors import FieldError, InputError
from .plan_values import VARIANT
from .set_json_values import MAX_VARIANTS
from .source import Source, SourceKind

if TYPE_CHECKING:
    from .plan import SetPlan

ALL = "all"
FOLDER = "variants"
USUAL_NAME = "Default"  # Of the default materials, when no variant of the file has them.
FIELD = "variant"

NAME = text(255, min_length=1)
COLORS = mapping_of(NAME, color, MAX_SLOTS)
_RECORD = record_of({"name": NAME}, {"material": VARIANT, "colors": COLORS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """``material`` names a material variant of the 3D file, "" its default materials; ``colors`` are by material."""

    name: str
    material: str = ""
    colors: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where it is in the set folder, unless it is the first."""
        return f"{FOLDER}/{safe_name(self.name, file_rule('variant'))}"


def _kept_variant(value: Any) -> Variant:
    return Variant(**_RECORD(value))


def kept_variants(value: Any) -> tuple[Variant, ...]:
    """The rule for the variants in ``set.json`` or a lock file."""
    variants = list_of(_kept_variant, MAX_VARIANTS, name="variant")(value)
    for variant in variants:
        inner_path(variant.folder)
    if len({same_name(variant.folder) for variant in variants}) < len(variants):
        raise ValueError("has two variants for one folder")
    return variants


def variant_choice(value: Any) -> str:
    """The rule for the names of material variants, as the user writes them."""
    names = text()(value)
    for part in names.split(","):
        VARIANT(part)
    return names


def color_choice(value: Any) -> str:
    """The rule for the colors of one variant, as the user writes them."""
    parse_colors(str(value))
    return str(value)


def is_one(text: str, colors: Sequence[str]) -> bool:
    """Whether the user names at most one variant, so that the file need not be read to know which ones there are."""
    return not colors and not _means_all(text) and "," not in text


def _means_all(text: str) -> bool:
    return text.strip().casefold() == ALL


def variants_for(
    text: str,
    colors: Sequence[str],
    source: Source,
    out: Path,
    variants_of_blend: Callable[[Path], Gltf],
) -> dict[str, Any]:
    """The members ``variant`` and ``variants`` of a plan, for what the user names.

    ``out`` is the set folder, ``variants_of_blend`` reads the materials of a Blender file.
    Raises FieldError and InputError for variants and materials that the 3D file does not have.
    """
    if is_one(text, colors):
        return {"variant": text}
    gltf = _model_of(source, out, COLOR if colors else FIELD, variants_of_blend)
    names = _names_in(text, gltf)
    is_all = _means_all(text) and len(names) > 1
    usual = usual_variant(gltf)
    if is_all and usual in names:  # Pictures of the default materials that exist stay up to date.
        names.remove(usual)
        names.insert(0, usual)
    first = "" if not names or (is_all and names[0] == usual) else names[0]
    variants = [Variant(name=name, material=name) for name in names]
    variants[:1] = [Variant(name=names[0] if names else usual or USUAL_NAME, material=first)]
    variants += _colored(colors, gltf, first)
    if len(variants) == 1:
        return {"variant": first}
    _check_names(variants, gltf.name)
    return {"variant": first, "variants": tuple(variants)}


def _model_of(source: Source, out: Path, where: str, variants_of_blend: Callable[[Path], Gltf]) -> Gltf:
    """What the 3D file says of its materials. Raises FieldError when there is no 3D file yet."""
    if source.kind is SourceKind.MODEL:
        path = source.files[0]
        if path.suffix.lower() == ".blend":
            return variants_of_blend(path)
        return read_gltf(path, without_binary=True)
    model = out / "model" / "product.glb"
    if where == FIELD:
        raise FieldError(
            FIELD, "A 3D model made by fal.ai has no material variants.", hint="Choose colors instead."
        )
    if not model.is_file():
        raise FieldError(
            COLOR,
            "The materials of a 3D model that is not made yet are not known.",
            hint="Make the set first. Then run the same command again with the colors: the model is not paid again.",
        )
    return read_gltf(model, without_binary=True, name="The 3D model")


def _names_in(text: str, gltf: Gltf) -> list[str]:
    """The material variants that ``text`` names, as the file spells them."""
    names = gltf.variants()
    wanted = text.strip()
    if not wanted:
        return []
    if _means_all(wanted) and ALL not in {name.casefold() for name in names}:
        if not names:
            raise FieldError(FIELD, f"{gltf.name} has no material variants.", hint="Leave it out.")
        return [_usable(name, gltf) for name in names]
    if "," not in wanted or wanted.casefold() in {name.casefold() for name in names}:
        return [known_variant(gltf, wanted)]
    parts = [part.strip() for part in wanted.split(",")]
    return [known_variant(gltf, part) for part in parts if part] or [known_variant(gltf, wanted)]


def _usable(name: str, gltf: Gltf) -> str:
    """A name from the file. Raises FieldError for one that cannot be used."""
    try:
        return NAME(name)
    except ValueError as error:
        raise FieldError(
            FIELD,
            f"{gltf.name} has a variant named {shown(name)}, which {error}.",
            hint="Rename it in the 3D file, or name the variants that you want.",
        ) from error


def _colored(colors: Iterable[str], gltf: Gltf, material: str) -> list[Variant]:
    """A variant for each choice of colors. Raises FieldError for a material that the file does not have."""
    usual = with_variant(gltf, material) if material else without_variants(gltf)
    found = []
    for choice in colors:
        name, values = parse_colors(choice)
        slots = {known_slot(usual, slot): value for slot, value in values.items()}
        name = name or ", ".join(f"{slot} {value[1:]}" for slot, value in slots.items())
        try:
            found.append(Variant(name=NAME(name), material=material, colors=slots))
        except ValueError as error:
            raise FieldError(
                COLOR, f"{shown(name)} {error}.", hint="Name it: SLOT=#A01020 as Red."
            ) from error
    return found


def _check_names(variants: Sequence[Variant], name: str) -> None:
    """Raises FieldError when there are too many variants, or two of them would use the same folder."""
    if len(variants) > MAX_VARIANTS:
        raise FieldError(
            FIELD, f"{len(variants)} variants exceed the maximum of {MAX_VARIANTS}.", hint="Name fewer."
        )
    known: dict[str, Variant] = {}
    for variant in variants:
        other = known.setdefault(same_name(variant.folder), variant)
        if other is variant:
            continue
        where = COLOR if variant.colors else FIELD
        if other.name == variant.name:
            raise FieldError(
                where, f"There are two variants named {other.name!r}.", hint="Name each of them once."
            )
        raise FieldError(
            where,
            f"The variants {other.name!r} and {variant.name!r} of {name} would both be in the folder {variant.folder}.",
            hint="Rename one of them, or make one of them in another set.",
        )


def check_variants(plan: "SetPlan") -> None:
    """Raises InputError for colors without a 3D file."""
    if plan.colors and plan.source.kind is not SourceKind.MODEL:
        raise InputError("Colors need a 3D file.", hint="Leave them out.")


def plan_of_variant(plan: "SetPlan", variant: Variant, model: Path) -> "SetPlan":
    """The plan of one variant of ``plan`` except the first. ``model`` is the 3D model of that set.

    It has the same pictures; the video and the spin are only of the first.
    """
    source = plan.source
    if source.kind is not SourceKind.MODEL:
        source = Source(kind=SourceKind.MODEL, files=(model,))
    own = replace(
        plan,
        source=source,
        out=plan.out / variant.folder,
        variant=variant.material,
        variants=(),
        colors=variant.colors,
        title=f"{plan.product}, {variant.name}",
        video=None,
        preview=None,
        spin=None,
        concept_endpoint="",
    )
    if not own.uses_fal:
        return replace(own, service=None, webhook="", option_texts={})
    kinds = own.endpoint_ids
    return replace(
        own, option_texts={kind: texts for kind, texts in plan.option_texts.items() if kind in kinds}
    )


def plans_of_variants(plan: "SetPlan") -> list[tuple[Variant, "SetPlan"]]:
    """The plans of all variants of ``plan`` except the first."""
    model = plan.out / "model" / "product.glb"
    return [(variant, plan_of_variant(plan, variant, model)) for variant in plan.variants[1:]]
