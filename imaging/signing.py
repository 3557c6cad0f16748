# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs pictures and videos with Content Credentials (C2PA), when the user has a certificate for that.

The library, ``c2pa-python``, is not one of the product's packages: it is large, and there is no wheel for every
platform. Certificate and key are named by two environment variables, so that the background Blenders of a catalogue
sign as well. The key is read only to sign; neither it nor its path is written anywhere.
"""

import importlib
import io
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..files.kinds import FileKind, kind_of
from ..messages.errors import InputError
from .provenance import Provenance, SourceType

CERTIFICATE, KEY = "PHOTOREAL_SIGN_CERTIFICATE", "PHOTOREAL_SIGN_KEY"  # Paths of PEM files.
_MEDIA_TYPES = {
    FileKind.PNG: "image/png",
    FileKind.JPEG: "image/jpeg",
    FileKind.WEBP: "image/webp",
    FileKind.AVIF: "image/avif",
    FileKind.MP4: "video/mp4",
    FileKind.MOV: "video/quicktime",
}
_ALGORITHMS = ("ES256", "PS256", "ES384", "ES512", "PS384", "PS512", "ED25519")
# A PNG of one pixel. The window, which has no Pillow, loads this module.
_PROBE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a4944415478da63600000000200"
    "01e527defc0000000049454e44ae426082"
)
_SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}


def use(certificate: Path, key: Path) -> None:
    """Sign everything from now on, also in processes started later. Raises InputError when that cannot work."""
    _algorithm_for(str(certificate.absolute()), str(key.absolute()))
    os.environ[CERTIFICATE], os.environ[KEY] = str(certificate.absolute()), str(key.absolute())


def signed(data: bytes, provenance: Provenance, title: str) -> bytes:
    """``data`` with a signed manifest; unchanged when no certificate is named, and for a format that has none.

    ``title`` is the name of the file. Raises InputError when the certificate or its key cannot be used.
    """
    certificate, key = os.environ.get(CERTIFICATE, ""), os.environ.get(KEY, "")
    media_type = _MEDIA_TYPES.get(kind_of(data))
    if not (certificate and key) or media_type is None:
        return data
    algorithm = _algorithm_for(certificate, key)
    try:
        return _signed(data, media_type, _manifest(provenance, title), certificate, key, algorithm)
    except Exception as error:  # The library raises its own types, and those of the operating system.
        raise InputError(
            f"{title} cannot be signed with {Path(certificate).name}: {error}.",
            hint="Check that the certificate is still valid, or continue without signing.",
        ) from error


@lru_cache(maxsize=4)
def _algorithm_for(certificate: str, key: str) -> str:
    """The algorithm that the key is for, found by signing a small picture. Raises InputError."""
    _library()
    for path in (certificate, key):
        try:
            is_pem = b"-----BEGIN" in Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}).", hint="Check the path.") from error
        if not is_pem:
            raise InputError(f"{path} is not a PEM file.", hint="Convert it with `openssl`.")
    manifest = _manifest(Provenance(source_type=SourceType.RENDER, tool="probe"), "probe.png")
    reason = ""
    for algorithm in _ALGORITHMS:
        try:
            _signed(_PROBE, "image/png", manifest, certificate, key, algorithm)
        except (_library().C2paError, OSError, TypeError, ValueError) as error:
            reason = reason or str(error)
        else:
            return algorithm
    raise InputError(
        f"{Path(certificate).name} and {Path(key).name} cannot sign Content Credentials: {reason}.",
        hint="The file must contain the certificate and its whole chain, and C2PA must allow the usage that the certificate is for.",
    )


def _manifest(provenance: Provenance, title: str) -> dict[str, Any]:
    """C2PA 2.1, 18.13: who made the claim, and the action with its digital source type."""
    name, _space, version = provenance.tool.rpartition(" ")  # "Photoreal Set 1.0"
    action: dict[str, Any] = {
        "action": "c2pa.created",
        "digitalSourceType": provenance.source_type.address,
    }
    if provenance.system:
        action["softwareAgent"] = {"name": provenance.system}
    return {
        "claim_generator_info": [{"name": name or version, "version": version}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }


def _signed(
    data: bytes, media_type: str, manifest: dict[str, Any], certificate: str, key: str, algorithm: str
) -> bytes:
    c2pa = _library()
    chain, secret = Path(certificate).read_bytes(), Path(key).read_bytes()
    info = c2pa.C2paSignerInfo(getattr(c2pa.C2paSigningAlg, algorithm), chain, secret, None)
    result = io.BytesIO()
    with (
        c2pa.Context.from_dict(_SETTINGS) as context,
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder(json.dumps(manifest), context=context) as builder,
    ):
        builder.sign(signer, media_type, io.BytesIO(data), result)
    return result.getvalue()


def _library() -> Any:
    try:
        return importlib.import_module("c2pa")
    except ImportError as error:
        raise InputError(
            "Content Credentials cannot be signed: the package c2pa-python is not installed.",
            hint="Install it into the Python that runs Photoreal Set.",
        ) from error
