# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything an engine needs, assembled once by the bridge; each part of the engine uses what it needs of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from .endpoints.endpoint import Endpoint
from .jobs import Job
from .journal import Journal
from .money.spending import Spending
from .network.downloads import Downloads
from .network.lifecycle import Lifecycle
from .network.service import Service
from .network.uploads import Uploads
from .pace import Pace
from .traffic import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSetup:
    """The service, the clients and the rules of one engine."""

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
    lifecycle: Lifecycle  # Of uploads and results.
    webhook: str  # "" for none.
    inline_bytes: int  # Files up to this size are sent inside the request; 0 uploads every file.
