# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of a glTF file can be seen. Everything else is removed before anything measures or renders it.

A part cannot be seen when the default scene does not contain it, when KHR_node_visibility hides it or a node above it,
when its scale leaves only a line or a point, or when its material lets everything through: alpha of factor, texture and
vertex colours (glTF 2.0, 3.9.4; alpha is coverage, so that what is not covered has no reflections either).
"""

import json
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..imaging.coverage import NOISE
from .accessors import values_of
from .document import Gltf
from .json_values import Json, as_dict, as_dicts, as_whole, is_integer, number_or
from .node_places import Matrix, children_of, local_matrix, width_of

Alpha = NDArray[np.uint8]  # (h, w), row 0 on top.
AlphaReader = Callable[[bytes], Alpha | None]

UNSEEN_ALPHA = NOISE / 2.0 / 255.0  # The front and the back of a part together do not cover more than NOISE.
DEFAULT_CUTOFF = 0.5
VANISHING = 1e-6  # The share of the largest scale in the file below which a part is a point or a line.
SPECULAR_GLOSSINESS = "KHR_materials_pbrSpecularGlossiness"


def without_unseen(gltf: Gltf, read_alpha: AlphaReader) -> Gltf:
    """The file without the meshes that cannot be seen, and without what only their materials say.

    Indices stay valid: unseen nodes lose their mesh, unseen meshes their primitives, unused materials their contents.
    ``read_alpha`` decodes a picture file; None when it has no alpha channel or cannot be read.
    """
    document = json.loads(json.dumps(gltf.document))
    shown = Gltf(gltf.name, gltf.folder, document, gltf.binary)
    places = _places_in_scene(shown)
    nodes = as_dicts(document.get("nodes"))
    _drop_meshes(nodes, places, as_dicts(document.get("skins")))
    _drop_transparent(shown, nodes, _Transparency(shown, read_alpha))
    return shown


def has_meshes(gltf: Gltf) -> bool:
    """Does any node of the file show a mesh?"""
    return any("mesh" in node for node in gltf.entries("nodes"))


def _places_in_scene(gltf: Gltf) -> dict[int, Matrix]:
    """The matrix of every node that is not hidden. Without a scene, all nodes may be shown."""
    nodes, scenes = gltf.entries("nodes"), gltf.entries("scenes")
    number = as_whole(gltf.document.get("scene"))
    if number < len(scenes):
        roots = children_of(scenes[number].get("nodes"), nodes)
    else:
        below = {child for node in nodes for child in children_of(node.get("children"), nodes)}
        roots = [index for index in range(len(nodes)) if index not in below]
    places: dict[int, Matrix] = {}
    waiting = [(index, np.eye(4)) for index in roots]
    while waiting:
        index, above = waiting.pop()
        node = nodes[index]
        visibility = as_dict(as_dict(node.get("extensions")).get("KHR_node_visibility"))
        if index in places or visibility.get("visible") is False:
            continue
        with np.errstate(all="ignore"):
            places[index] = above @ local_matrix(node)
        waiting += [(child, places[index]) for child in children_of(node.get("children"), nodes)]
    return places


def _drop_meshes(nodes: list[Json], places: dict[int, Matrix], skins: list[Json]) -> None:
    """Take the mesh from every node that is hidden or has vanished."""
    widths = {index: width_of(place) for index, place in places.items()}
    largest = max((widths[index] for index in places if "mesh" in nodes[index]), default=0.0)
    for index, node in enumerate(nodes):
        if index in widths and not _has_vanished(node, widths, skins, index, VANISHING * largest):
            continue
        node.pop("mesh", None)
        as_dict(node.get("extensions")).pop("EXT_mesh_gpu_instancing", None)


def _has_vanished(
    node: Json, widths: dict[int, float], skins: list[Json], index: int, smallest: float
) -> bool:
    """A skinned mesh is where its joints are, whatever its own node says (glTF 2.0, 3.7.3.3)."""
    skin = node.get("skin")
    if is_integer(skin) and 0 <= skin < len(skins):
        joints = skins[skin].get("joints")
        joints = joints if isinstance(joints, list) else []
        return bool(joints) and all(widths.get(joint, 1.0) <= 0.0 for joint in joints if is_integer(joint))
    return widths[index] <= smallest


def _drop_transparent(gltf: Gltf, nodes: list[Json], transparency: "_Transparency") -> None:
    """Remove the primitives that are transparent everywhere, and the meshes of which nothing is left."""
    meshes = as_dicts(gltf.document.get("meshes"))
    used = Counter(node.get("mesh") for node in nodes if is_integer(node.get("mesh")))
    for number, mesh in enumerate(meshes):
        faint = sum(transparency.is_faint(one) for one in as_dicts(mesh.get("primitives")))
        transparency.layers += used[number] * faint
    for number, mesh in enumerate(meshes):
        primitives = as_dicts(mesh.get("primitives"))
        seen = [one for one in primitives if number in used and not transparency.is_total(one)]
        if primitives:
            mesh["primitives"] = seen
    for node in nodes:
        shown = node.get("mesh")
        if is_integer(shown) and 0 <= shown < len(meshes) and not meshes[shown].get("primitives"):
            node.pop("mesh")
            as_dict(node.get("extensions")).pop("EXT_mesh_gpu_instancing", None)
    needed = {primitive.get("material") for _mesh, primitive in gltf.primitives()}
    needed |= {number for _mesh, primitive in gltf.primitives() for number in _variants_of(primitive)}
    for number, material in enumerate(as_dicts(gltf.document.get("materials"))):
        if number not in needed:
            for name in set(material) - {"name"}:
                del material[name]


def _variants_of(primitive: Json) -> list[int]:
    table = as_dict(as_dict(primitive.get("extensions")).get("KHR_materials_variants"))
    numbers = (mapping.get("material") for mapping in as_dicts(table.get("mappings")))
    return [number for number in numbers if is_integer(number)]


class _Transparency:
    """Says which primitives are transparent everywhere. Decodes a picture only when its alpha decides."""

    def __init__(self, gltf: Gltf, read_alpha: AlphaReader) -> None:
        self._gltf = gltf
        self._read_alpha = read_alpha
        self._materials = gltf.entries("materials")
        self._alphas: dict[int, Alpha | None] = {}
        self.layers = 0  # Of faint parts, which together may be seen.

    def is_faint(self, primitive: Json) -> bool:
        """Is the primitive transparent but for a little, which alone would not be seen?"""
        number = primitive.get("material")
        if not is_integer(number) or not 0 <= number < len(self._materials):
            return False
        material = self._materials[number]
        return material.get("alphaMode") == "BLEND" and 0.0 < _factor(material) <= UNSEEN_ALPHA

    def is_total(self, primitive: Json) -> bool:
        """Is all of the primitive transparent?"""
        number = primitive.get("material")
        if not is_integer(number) or not 0 <= number < len(self._materials):
            return False
        material = self._materials[number]
        mode = material.get("alphaMode", "OPAQUE")
        if mode not in ("BLEND", "MASK"):
            return False
        smallest = UNSEEN_ALPHA / max(self.layers, 1)
        if mode == "MASK":
            smallest = float(np.nextafter(number_or(material.get("alphaCutoff"), DEFAULT_CUTOFF), -1.0))
        attributes = as_dict(primitive.get("attributes"))
        alpha = _factor(material) * self._of_vertices(attributes)
        if alpha <= smallest:
            return True
        texture = _texture(material) if alpha > 0.0 else {}
        return bool(texture) and not self._is_opaque_somewhere(texture, attributes, smallest / alpha)

    def _of_vertices(self, attributes: Json) -> float:
        """The largest alpha of the vertex colors."""
        if "COLOR_0" not in attributes:
            return 1.0
        colours = values_of(self._gltf, attributes["COLOR_0"])
        if colours is None or colours.shape[1] < 4:
            return 1.0
        return float(colours[:, 3].max())

    def _is_opaque_somewhere(self, texture: Json, attributes: Json, smallest: float) -> bool:
        """Is the texture's alpha above ``smallest``, 0 to 1, anywhere in the area that the UVs of the part span?"""
        alpha = self._alpha_of(texture.get("index"))
        if alpha is None:
            return True
        above = alpha > smallest * 255.0
        if not above.any():
            return False
        channel = as_whole(texture.get("texCoord"))
        if "KHR_texture_transform" in as_dict(texture.get("extensions")):
            return True
        uvs = values_of(self._gltf, attributes.get(f"TEXCOORD_{channel}"))
        if uvs is None or uvs.shape[1] != 2 or not (np.abs(uvs - 0.5) <= 0.5).all():
            return True
        height, width = alpha.shape
        size = np.array((width, height))
        low = np.maximum(np.floor(uvs.min(axis=0) * size - 1.0), 0).astype(int)  # One more for the filter.
        high = np.ceil(uvs.max(axis=0) * size + 1.0).astype(int)
        return bool(above[low[1] : high[1], low[0] : high[0]].any())

    def _alpha_of(self, index: object) -> Alpha | None:
        textures = self._gltf.entries("textures")
        if not is_integer(index) or not 0 <= index < len(textures):
            return None
        if index not in self._alphas:
            texture = textures[index]
            webp = as_dict(as_dict(texture.get("extensions")).get("EXT_texture_webp"))
            data = self._gltf.image(texture.get("source", webp.get("source")))
            self._alphas[index] = None if data is None else self._read_alpha(data)
        return self._alphas[index]


def _base(material: Json) -> tuple[Json, str, str]:
    """What holds the base color, and the names of its factor and its texture."""
    old = as_dict(material.get("extensions")).get(SPECULAR_GLOSSINESS)
    if isinstance(old, dict):
        return old, "diffuseFactor", "diffuseTexture"
    return as_dict(material.get("pbrMetallicRoughness")), "baseColorFactor", "baseColorTexture"


def _factor(material: Json) -> float:
    base, name, _texture = _base(material)
    factor = base.get(name)
    return number_or(factor[3], 1.0) if isinstance(factor, list) and len(factor) == 4 else 1.0


def _texture(material: Json) -> Json:
    base, _factor, name = _base(material)
    return as_dict(base.get(name))
