# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the members of a plan, except sizes, angles and light: for arguments and for records on disk."""

from ..fal_bridge.endpoints.choosing import ENDPOINT_ID
from ..fal_bridge.jobs import Kind
from ..fal_bridge.network import lifecycle
from ..fal_bridge.network.webhooks import webhook_address
from ..files.values import empty_or, list_of, mapping_of, member_of, one_of, text, whole
from ..gltf.choices import Surrounding, pose_text
from .choices import (
    DEVICES,
    LANCZOS,
    MAX_INLINE_KB,
    MAX_RETRIES,
    MAX_SAMPLES,
    MAX_SECONDS,
    MAX_SEED,
    QUALITY_NAMES,
)
from .prompts import LOOKS, MOTIONS

EXPIRATION = whole(lifecycle.MIN_SECONDS, lifecycle.MAX_SECONDS, "seconds")
SEED = whole(0, MAX_SEED)
RETRIES = whole(0, MAX_RETRIES)
SAMPLES = whole(1, MAX_SAMPLES)
SECONDS = whole(1, MAX_SECONDS)
INLINE_KB = whole(1, MAX_INLINE_KB)
INLINE_BYTES = whole(0, MAX_INLINE_KB * 1024)
DEVICE = one_of(DEVICES)
QUALITY = one_of(QUALITY_NAMES)
MOTION = one_of(MOTIONS)
LOOK = one_of(LOOKS)
PROMPT = text()
VARIANT = text(255)
POSE = pose_text
WITHOUT = list_of(member_of(Surrounding), len(Surrounding))
ENDPOINT = empty_or(ENDPOINT_ID)
UPSCALE_ENDPOINT = lambda value: value if value == LANCZOS else ENDPOINT_ID(value)  # noqa: E731
OPTION_NAME = text(255, min_length=1)
OPTION_VALUE = text(1 << 20)
OPTION_TEXTS = mapping_of(member_of(Kind), mapping_of(OPTION_NAME, OPTION_VALUE, 100), len(Kind))
WEBHOOK = empty_or(webhook_address)
