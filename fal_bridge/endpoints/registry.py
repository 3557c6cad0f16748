# SPDX-License-Identifier: GPL-3.0-or-later
"""Every endpoint that we know. The tests compare each row with the emulator's schemas."""

from collections.abc import Mapping

from .endpoint import Endpoint
from .models import MODELS
from .photos import CONCEPTS, PHOTOS
from .upscalers import UPSCALERS
from .videos import VIDEOS

REGISTRY: Mapping[str, Endpoint] = {
    endpoint.id: endpoint for endpoint in (*MODELS, *PHOTOS, *CONCEPTS, *VIDEOS, *UPSCALERS)
}
