# SPDX-License-Identifier: GPL-3.0-or-later
"""Which glTF extensions the pictures show, and what they show instead of the others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..messages.errors import InputError
from .document import VARIANTS, Gltf
from .findings import Finding, Severity
from .json_values import Json, as_dict

# Imported by every supported Blender, or by ``studio/materials.py`` where Blender drops them.
SHOWN = {
    "KHR_draco_mesh_compression",
    "KHR_materials_anisotropy",
    "KHR_materials_clearcoat",
    "KHR_materials_emissive_strength",
    "KHR_materials_ior",
    "KHR_materials_iridescence",
    "KHR_materials_pbrSpecularGlossiness",
    "KHR_materials_sheen",
    "KHR_materials_specular",
    "KHR_materials_transmission",
    "KHR_materials_unlit",
    "KHR_materials_variants",
    "KHR_materials_volume",
    "KHR_mesh_quantization",
    "KHR_node_visibility",
    "KHR_texture_transform",
    "EXT_mesh_gpu_instancing",
    "EXT_meshopt_compression",
    "KHR_meshopt_compression",
    "EXT_texture_webp",
}
# Not part of a product photo: lights, sound, animation, metadata.
IRRELEVANT = {
    "KHR_lights_punctual",
    "EXT_lights_ies",
    "EXT_lights_image_based",
    "KHR_animation_pointer",
    "KHR_audio_emitter",
    "KHR_interactivity",
    "KHR_physics_rigid_bodies",
    "KHR_xmp",
    "KHR_xmp_json_ld",
    "EXT_mesh_features",
    "EXT_structural_metadata",
    "KHR_node_selectability",
    "KHR_node_hoverability",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """An extension that is not shown: ``what`` it adds, what the pictures show ``instead``, what to ``do``."""

    what: str
    instead: str
    do: str


_OTHER_EXPORT = "Export the model without it."
LOSSES = {
    "KHR_materials_dispersion": Loss(
        "the splitting of light into colors by glass",
        "clear glass without colored fringes",
        "Nothing needs to be done.",
    ),
    "KHR_materials_diffuse_transmission": Loss(
        "light that shines through thin materials such as paper or leaves",
        "the same materials without light from behind",
        "Use rough transmission where it matters.",
    ),
    "KHR_materials_volume_scatter": Loss(
        "light that scatters below the surface, as in wax or skin",
        "an opaque surface",
        "Paint the effect into the color where it matters.",
    ),
    "KHR_texture_basisu": Loss(
        "textures in the KTX2 format",
        "the plain color of materials whose textures have no PNG or JPEG version",
        "Export with PNG or JPEG textures.",
    ),
    "EXT_texture_avif": Loss(
        "textures in the AVIF format",
        "the plain color of materials whose textures have no PNG or JPEG version",
        "Export with PNG or JPEG textures.",
    ),
    "MSFT_texture_dds": Loss(
        "textures in the DDS format",
        "the plain color of materials whose textures have no PNG or JPEG version",
        "Export with PNG or JPEG textures.",
    ),
    "KHR_node_visibility": Loss("parts that are hidden", "those parts too", "Delete them before exporting."),
}
# A file that requires one of these is refused: it contains the shapes.
HOLDS_SHAPES = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
}


def check_required(gltf: Gltf, importable: Iterable[str]) -> None:
    """Raises InputError for a file that requires an extension that this Blender cannot read.

    ``importable`` are the extensions that its importer reads. Material extensions are never refused; ``find_lost``
    reports what is not shown.
    """
    known = set(importable)
    for name in gltf.required:
        if name in known or may_be_dropped(name):
            continue
        if name in HOLDS_SHAPES:
            raise InputError(
                f"{gltf.name} is compressed with {HOLDS_SHAPES[name]} ({name}), which this Blender cannot read.",
                hint="Export it without compression, or use a newer Blender from blender.org.",
            )
        if name in LOSSES:
            raise InputError(
                f"{gltf.name} cannot be shown without {name}: {LOSSES[name].what}.", hint=LOSSES[name].do
            )
        raise InputError(
            f"{gltf.name} requires the glTF extension {name}, which Blender cannot read.", hint=_OTHER_EXPORT
        )


def may_be_dropped(name: str) -> bool:
    """Can a file that requires this extension be rendered by a Blender that does not support it?"""
    is_ours = name in {"KHR_node_visibility", VARIANTS}  # Applied before Blender reads the file.
    return is_ours or name in IRRELEVANT or name.startswith(("KHR_materials_", "EXT_materials_"))


def find_lost(gltf: Gltf) -> Iterator[Finding]:
    """A note or warning for every extension in use that the pictures do not show."""
    if names := gltf.variants():
        yield Finding(
            kind="variants",
            severity=Severity.NOTE,
            count=len(names),
            text=f"The file has {len(names)} material variants ({', '.join(names)}); the pictures show its default "
            "materials. Another variant can be chosen.",
        )
    for name in gltf.used:
        if name in SHOWN or name in IRRELEVANT:
            continue
        places = list(_users(gltf, name))
        loss = LOSSES.get(name)
        if not places:
            continue  # Metadata, or about shapes that are complete without it.
        where = ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
        if loss is None:
            yield Finding(
                kind="extension_unknown",
                severity=Severity.NOTE,
                where=where,
                count=len(places),
                text=f"{where}: the glTF extension {name} is unknown and was ignored. Export "
                "without it if something is missing from the pictures.",
            )
            continue
        is_note = loss.do.startswith("Nothing")
        yield Finding(
            kind="extension_not_shown",
            severity=Severity.NOTE if is_note else Severity.WARNING,
            where=where,
            count=len(places),
            text=f"{where}: {name} ({loss.what}) cannot be shown; the pictures show {loss.instead}. {loss.do}",
        )


def _is_alone(texture: Json) -> bool:
    """Does a texture have no other picture than that of the extension?"""
    return "source" not in texture and "EXT_texture_webp" not in as_dict(texture.get("extensions"))


def _users(gltf: Gltf, name: str) -> Iterator[str]:
    """The materials, textures and parts that look different without an extension.

    Textures with a fallback in a format that is shown do not count.
    """
    for kind, singular in (("materials", "material"), ("textures", "texture"), ("nodes", "part")):
        for number, entry in enumerate(gltf.entries(kind)):
            if name in as_dict(entry.get("extensions")) and (kind != "textures" or _is_alone(entry)):
                yield f"{singular} {entry.get('name') or number}"
