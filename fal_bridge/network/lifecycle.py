# SPDX-License-Identifier: GPL-3.0-or-later
"""What fal.ai is asked to do with files: how long it keeps them, and who may read results.

Files that are uploaded and results are readable for anyone who has their URL, unless they are restricted. By default
an account keeps them without end. Source: fal.ai's documentation of media expiration and file access controls.
"""

import json
from dataclasses import dataclass
from typing import Any

HEADER = "X-Fal-Object-Lifecycle-Preference"
DAY_SECONDS = 24 * 3600
MIN_SECONDS = 3600  # A request may wait in the queue before its pictures are fetched.
MAX_SECONDS = 366 * DAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The wishes for the files of a set.

    ``seconds``: after which files are deleted; ``None`` keeps them as long as the account keeps files.
    ``is_private``: results can be read only with the key. Uploads cannot be restricted: whether models can read
    restricted files is not documented.
    """

    seconds: int | None = DAY_SECONDS
    is_private: bool = False

    def headers(self) -> dict[str, str]:
        """The headers of a request whose results follow these wishes."""
        wishes: dict[str, Any] = {}
        if self.seconds is not None:
            wishes["expiration_duration_seconds"] = self.seconds
        if self.is_private:
            wishes["initial_acl"] = {"default": "forbid"}
        return {HEADER: json.dumps(wishes)} if wishes else {}

    def facts(self) -> dict[str, Any]:
        """The wishes as a journal keeps them."""
        return {"expires_after": self.seconds, "is_private": self.is_private}
