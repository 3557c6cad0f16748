# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors for the materials of a glTF document, and what of its materials decides where the product covers a picture."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..messages.errors import FieldError
from .document import Gltf
from .findings import Finding, Severity
from .json_values import Json, as_dict, as_dicts, is_integer

FIELD = "color"  # What errors about colors and slots name.
MAX_SLOTS = 100
OPAQUE = "OPAQUE"
SPECULAR_GLOSSINESS = "KHR_materials_pbrSpecularGlossiness"
# Extensions that decide how much of the product is seen through.
_SEE_THROUGH = (
    *("KHR_materials_transmission", "KHR_materials_volume", "KHR_materials_diffuse_transmission"),
    "KHR_materials_ior",
)

_HEX = r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})"
_COLOR = re.compile(_HEX)
_SLOT = re.compile(rf"\s*(?P<slot>.+?)\s*=\s*(?P<color>{_HEX})\s*(?=,|$|\sas\s)", re.DOTALL)
_NAME = re.compile(r"\s*as\s+(?P<name>.*\S)\s*", re.DOTALL)


def color(value: Any) -> str:
    """The rule for a color: ``#RRGGBB`` or ``#RGB`` in sRGB, returned as ``#RRGGBB`` with capital letters."""
    text = value.strip() if isinstance(value, str) else ""
    if not _COLOR.fullmatch(text):
        raise ValueError("is not a color such as #A01020")
    digits = text[1:] if len(text) == 7 else "".join(2 * digit for digit in text[1:])
    return f"#{digits.upper()}"


def parse_colors(text: str) -> tuple[str, dict[str, str]]:
    """``SLOT=#RRGGBB,SLOT=#RRGGBB as NAME`` as the name ("" without one) and the color of each slot.

    A slot is the name of a material, which may contain commas and equals signs. Raises ValueError.
    """
    colors: dict[str, str] = {}
    place = 0
    while found := _SLOT.match(text, place):
        if found["slot"] in colors:
            raise ValueError(f"names the slot {found['slot']!r} twice")
        colors[found["slot"]] = color(found["color"])
        place = found.end()
        if text[place : place + 1] != ",":
            break
        place += 1
    rest = text[place:]
    named = _NAME.fullmatch(rest)
    if not colors or (rest.strip() and not named):
        wrong = rest.strip()
        slot, equals, value = wrong.partition("=")
        if equals and slot.strip():
            raise ValueError(f"gives {slot.strip()} {value.strip()!r}, which is not a color such as #A01020")
        raise ValueError("is not SLOT=#RRGGBB")
    return (named["name"] if named else ""), colors


def slots_of(gltf: Gltf) -> tuple[str, ...]:
    """The names of the materials that the file uses, in its order, each once. Materials without a name are left out."""
    materials = gltf.entries("materials")
    found = [primitive.get("material") for _mesh, primitive in gltf.primitives()]
    used = {number for number in found if is_integer(number)}
    names = (str(entry.get("name") or "") for number, entry in enumerate(materials) if number in used)
    return tuple(dict.fromkeys(filter(None, names)))


def known_slot(gltf: Gltf, slot: str) -> str:
    """The name of a material as the file spells it. Raises FieldError when there is none; the hint lists them."""
    slots = slots_of(gltf)
    similar = [name for name in slots if name.casefold() == slot.casefold()]
    if slot not in slots and len(similar) != 1:
        listed = ", ".join(map(repr, slots))
        hint = f"It has {listed}." if slots else "Name the materials in the program that made it."
        raise FieldError(FIELD, f"{gltf.name} has no material {slot!r}.", hint=hint)
    return slot if slot in slots else similar[0]


def with_colors(gltf: Gltf, colors: Mapping[str, str]) -> Gltf:
    """The file with these colors (``#RRGGBB``, sRGB) for its materials, by name. Other variants must be removed before.

    A color replaces the picture and the vertex colors that colored the material. Everything else of it stays.

    Raises FieldError for a name that no material has, and for a material whose picture also makes it transparent.
    """
    document = json.loads(json.dumps(gltf.document))
    painted = Gltf(gltf.name, gltf.folder, document, gltf.binary)
    wanted = {known_slot(gltf, slot): _linear(value) for slot, value in colors.items()}
    numbers = set()
    for number, material in enumerate(as_dicts(document.get("materials"))):
        if (linear := wanted.get(str(material.get("name") or ""))) is not None:
            _paint(material, linear)
            numbers.add(number)
    for _mesh, primitive in painted.primitives():
        used = primitive.get("material")
        if is_integer(used) and used in numbers:
            attributes = as_dict(primitive.get("attributes"))
            for name in [name for name in attributes if name.startswith("COLOR_")]:
                del attributes[name]
    return painted


def _paint(material: Json, linear: tuple[float, ...]) -> None:
    material["pbrMetallicRoughness"] = as_dict(material.get("pbrMetallicRoughness"))
    parts = [(material["pbrMetallicRoughness"], "baseColorFactor", "baseColorTexture")]
    if glossy := as_dict(as_dict(material.get("extensions")).get(SPECULAR_GLOSSINESS)):
        parts.append((glossy, "diffuseFactor", "diffuseTexture"))
    for surface, factor, texture in parts:
        if texture in surface and material.get("alphaMode", OPAQUE) != OPAQUE:
            raise FieldError(
                FIELD,
                f"The material {material['name']!r} takes its transparency from a picture, so it cannot have one color.",
                hint="Choose another material, or make it opaque in the 3D file.",
            )
        surface.pop(texture, None)
        before = surface.get(factor)
        alpha = before[3] if isinstance(before, list) and len(before) == 4 else 1.0
        surface[factor] = [*linear, alpha]


def _linear(text: str) -> tuple[float, ...]:
    """Linear red, green and blue of ``#RRGGBB`` (sRGB, IEC 61966-2-1), as glTF stores colors."""
    parts = (int(text[start : start + 2], 16) / 255.0 for start in (1, 3, 5))
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def replaced_pictures(gltf: Gltf, colors: Mapping[str, str]) -> Iterator[Finding]:
    """A finding for each material whose picture one of ``colors`` replaces: a print on it is lost."""
    for material in gltf.entries("materials"):
        name = str(material.get("name") or "")
        glossy = as_dict(as_dict(material.get("extensions")).get(SPECULAR_GLOSSINESS))
        has_picture = "baseColorTexture" in as_dict(material.get("pbrMetallicRoughness"))
        if name in colors and (has_picture or "diffuseTexture" in glossy):
            yield Finding(
                kind="color_replaces_picture",
                severity=Severity.WARNING,
                where=name,
                text=f"{name}: the color {colors[name]} replaces the picture on this material, with any print on it.",
            )


def coverage_of(gltf: Gltf) -> str:
    """Equal for two variants of one file that cover the same parts of a picture: only colors and surfaces differ."""
    materials = gltf.entries("materials")
    facts = []
    for _mesh, primitive in gltf.primitives():
        number = primitive.get("material")
        material = materials[number] if is_integer(number) and 0 <= number < len(materials) else {}
        facts.append(_coverage(material, as_dict(primitive.get("attributes"))))
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _coverage(material: Json, attributes: Json) -> list[Any]:
    """What of a material decides which pixels it covers, and how much."""
    extensions = as_dict(material.get("extensions"))
    found: list[Any] = [material.get("doubleSided", False)]
    found += [extensions[name] for name in _SEE_THROUGH if name in extensions]
    if (mode := material.get("alphaMode", OPAQUE)) == OPAQUE:
        return found
    for surface, factor, texture in (
        (as_dict(material.get("pbrMetallicRoughness")), "baseColorFactor", "baseColorTexture"),
        (as_dict(extensions.get(SPECULAR_GLOSSINESS)), "diffuseFactor", "diffuseTexture"),
    ):
        values = surface.get(factor)
        alpha = values[3] if isinstance(values, list) and len(values) == 4 else 1.0
        found += [alpha, surface.get(texture)]
    return [*found, mode, material.get("alphaCutoff"), attributes.get("COLOR_0")]
