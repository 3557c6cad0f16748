# SPDX-License-Identifier: GPL-3.0-or-later
"""Which digital source type the files of a set have, and the last step before a file is written.

An AI model makes a photo from a render, so the photo is generated. A render is made by a person's tools, unless its
3D model was generated. Where a photo got the geometry and the print of its render back, it is a composite.
"""

from collections.abc import Mapping
from typing import Any

from ..imaging.provenance import Provenance, SourceType, stamped
from ..imaging.signing import signed
from .choices import Engine
from .version import VERSION

TOOL = f"Photoreal Set {VERSION}"


def provenance_of(manifest: Mapping[str, Any], made: Mapping[str, Any]) -> Provenance:
    """``made`` is the entry of a photo, video or render in ``manifest``; a render has no engine."""
    endpoint = str(made.get("endpoint") or "")
    if made.get("engine") == Engine.FAL.value:
        is_locked = bool((made.get("fidelity") or {}).get("locked"))
        source_type = SourceType.COMPOSITE if is_locked else SourceType.GENERATED
        return Provenance(source_type=source_type, tool=TOOL, system=_system(endpoint))
    if model := str(manifest.get("model", {}).get("endpoint") or ""):
        return Provenance(source_type=SourceType.COMPOSITE, tool=TOOL, system=_system(model))
    return Provenance(source_type=SourceType.RENDER, tool=TOOL)


def provenance_of_model(manifest: Mapping[str, Any]) -> Provenance:
    """Of the 3D model itself: generated when fal.ai made it."""
    endpoint = str(manifest.get("model", {}).get("endpoint") or "")
    if endpoint:
        return Provenance(source_type=SourceType.GENERATED, tool=TOOL, system=_system(endpoint))
    return Provenance(source_type=SourceType.RENDER, tool=TOOL)


def finished(data: bytes, provenance: Provenance, name: str) -> bytes:
    """The bytes of a file as they are written: with its source type, and signed when there is a certificate.

    Every picture and video for people goes through this, in a set and in an export. Raises InputError when signing
    is not possible.
    """
    return signed(stamped(data, provenance), provenance, name)


def _system(endpoint: str) -> str:
    return f"fal.ai {endpoint}".strip()
