# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that is ready to be sent: what is wanted, as the arguments of an endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .endpoints.endpoint import Endpoint
from .jobs import Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedJob:
    """One job with everything that sending and following it needs.

    ``arguments`` names files as paths, ``inputs`` the same files by their hashes; ``hashes`` has the SHA-256 of each
    file. ``target`` is absolute and has no extension. ``wish`` is a digest of what is wanted, whatever the
    endpoint makes of it: its inputs change with its published schema.
    """

    key: str
    wanted: Generation
    endpoint: Endpoint
    arguments: dict[str, Any]
    inputs: dict[str, Any]
    hashes: Mapping[Path, str]
    target: Path
    wish: str = ""
    may_send: bool = True  # Otherwise it only follows what was sent.

    @property
    def label(self) -> str:
        return self.wanted.label

    @property
    def shown_label(self) -> str:
        return self.wanted.shown_label
