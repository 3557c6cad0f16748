# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a glTF document before Blender reads it. Each returns a changed copy."""

import json

from ..messages.errors import FieldError
from .document import VARIANTS, Gltf
from .json_values import as_dict, as_dicts
from .mesh_checks import is_far


def with_variant(gltf: Gltf, variant: str) -> Gltf:
    """The file with the materials of a variant as its default materials (KHR_materials_variants).

    Raises FieldError when there is no variant of that name; the hint lists the names that there are.
    """
    return _settled(gltf, gltf.variants().index(known_variant(gltf, variant)))


def known_variant(gltf: Gltf, variant: str) -> str:
    """The name of a variant as the file spells it. Raises FieldError as ``with_variant``."""
    names = gltf.variants()
    if not names:
        raise FieldError("variant", f"{gltf.name} has no material variants.", hint="Leave it out.")
    if variant in names:
        return variant
    similar = {name for name in names if name.casefold() == variant.casefold()}
    if len(similar) != 1:
        listed = ", ".join(repr(name) for name in names)
        raise FieldError("variant", f"{gltf.name} has no variant {variant!r}.", hint=f"It has {listed}.")
    return similar.pop()


def usual_variant(gltf: Gltf) -> str:
    """The first variant that has the default materials of the file; "" when none has them."""
    usual = without_variants(gltf).document
    return next((name for name in gltf.variants() if with_variant(gltf, name).document == usual), "")


def without_variants(gltf: Gltf) -> Gltf:
    """The file with only its default materials."""
    return _settled(gltf, None)


def _settled(gltf: Gltf, number: int | None) -> Gltf:
    document = json.loads(json.dumps(gltf.document))
    settled = Gltf(gltf.name, gltf.folder, document, gltf.binary)
    for _mesh, primitive in settled.primitives():
        table = as_dict(as_dict(primitive.get("extensions")).pop(VARIANTS, None))
        for mapping in as_dicts(table.get("mappings")):
            numbers = mapping.get("variants")
            if isinstance(numbers, list) and number in numbers:
                primitive["material"] = mapping.get("material")
    as_dict(document.get("extensions")).pop(VARIANTS, None)
    for name in ("extensionsUsed", "extensionsRequired"):
        if isinstance(document.get(name), list):
            document[name] = [item for item in document[name] if item != VARIANTS]
    return settled


def with_far_at(gltf: Gltf, place: float) -> Gltf:
    """The file with every coordinate of a vertex that ``is_far`` set to ``place``, in metres.

    Importers move invalid coordinates to the origin, where nothing tells them from valid ones.
    """
    binary = bytearray(gltf.binary)
    document = json.loads(json.dumps(gltf.document))
    for _mesh, primitive in gltf.primitives():
        index = as_dict(primitive.get("attributes")).get("POSITION")
        layout = gltf.layout(index)
        if layout is None or layout.shape[1] != 3:
            continue
        places = layout.of(binary)
        far = is_far(places)
        if far.any():
            places[far] = place
            for bound in ("min", "max"):  # NaN and infinity are not valid JSON.
                document["accessors"][index].pop(bound, None)
    return Gltf(gltf.name, gltf.folder, document, bytes(binary))


def with_tags(gltf: Gltf, tag: str, *, required: tuple[str, ...]) -> Gltf:
    """The file with the index of each mesh and material under ``tag`` in its extras, where the importer keeps it.

    The file then requires only the extensions in ``required``.
    """
    document = json.loads(json.dumps(gltf.document))
    for kind in ("meshes", "materials"):
        for number, entry in enumerate(as_dicts(document.get(kind))):
            entry["extras"] = {**as_dict(entry.get("extras")), tag: number}
    document["extensionsRequired"] = list(required)
    document["extensionsUsed"] = [*dict.fromkeys((*gltf.used, *required))]
    return Gltf(gltf.name, gltf.folder, document, gltf.binary)
