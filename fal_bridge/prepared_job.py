# SPDX-License-Identifier: GPL-3.0-or-later
"""A wish in an endpoint's words, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .endpoints.endpoint import Endpoint
from .jobs import Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedJob:
    """A wish in the endpoint's words."""

    key: str
    wanted: Generation
    endpoint: Endpoint
    arguments: dict[str, Any]
    inputs: dict[str, Any]
    hashes: Mapping[Path, str]
    target: Path
    may_send: bool = True  # Else it only follows what was sent.

    @property
    def label(self) -> str:
        return self.wanted.label
