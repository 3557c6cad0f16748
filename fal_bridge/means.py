# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine works with. The bridge puts it together once; the parts of the engine take from it what they need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from .endpoints.endpoint import Endpoint
from .jobs import Job
from .journal import Journal
from .money.spending import Spending
from .network.downloads import Downloads
from .network.service import Service
from .network.uploads import Uploads
from .pace import Pace
from .traffic import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Where requests go, over what, and under which rules."""

    service: Service
    journal: Journal
    submit: httpx.AsyncClient  # For the one paid POST of a job.
    safe: httpx.AsyncClient  # For calls that may be repeated.
    uploads: Uploads
    downloads: Downloads
    pace: Pace
    traffic: Traffic
    endpoints: Mapping[str, Endpoint]
    on_change: Callable[[Job], None]  # Called on the event loop's thread, with a new Job for each change.
    spending: Spending | None  # None: requests are sent whatever they cost.
    webhook: str  # "" for none.
    inline_bytes: int  # Files up to this size are sent inside the request; 0 uploads every file.
