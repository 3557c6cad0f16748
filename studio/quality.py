# SPDX-License-Identifier: GPL-3.0-or-later
"""How much effort Cycles puts into a picture."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..optics.sizes import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Settings of Cycles.

    ``noise`` is the noise threshold at which a pixel is finished early (0: never). ``glass_factor`` multiplies the
    samples of products that transmit light. With ``table``, light that bounces off the table is traced; without, the
    light map replaces it, which is much less noisy and differs only close to the ground. ``denoiser`` is a key of
    ``compat.DENOISERS``. ``shadow_samples`` are those of the ground shadow. With ``adapts_to_size``, pictures of more
    than a megapixel get fewer samples per pixel: the denoiser has more pixels to work with.

    ``covers_exactly``: the alpha of half-transparent parts has no noise even where they are a small part of the surface.
    ``smooths_edges``: few samples give edges few levels of coverage, and dark colors where the denoiser mixes them with
    nothing; both are repaired in the picture. ``has_chosen_samples``: the user chose ``samples``.
    """

    name: str
    samples: int
    noise: float = 0.0
    bounces: int = 3
    glass_factor: int = 4
    table: bool = False
    denoiser: str = "balanced"
    adapts_to_size: bool = False
    shadow_samples: int = 8
    covers_exactly: bool = False
    smooths_edges: bool = False
    has_chosen_samples: bool = False

    def with_samples(self, samples: int) -> "Quality":
        """The same quality with the number of samples that the user chose, for pictures of any size."""
        return replace(self, samples=samples, adapts_to_size=False, has_chosen_samples=True)

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the digest of a picture contains for this quality. See ``IDENTITIES``."""
        chosen = {"samples": self.samples, "adapts_to_size": False} if self.has_chosen_samples else {}
        return {**IDENTITIES[self.name], **chosen}


DRAFT = Quality(name="draft", samples=2, bounces=2, smooths_edges=True)
REFERENCE = Quality(name="reference", samples=8)
FINAL = Quality(
    name="final",
    samples=64,
    glass_factor=2,
    noise=0.02,
    bounces=8,
    table=True,
    denoiser="careful",
    shadow_samples=32,
    covers_exactly=True,
)
VIDEO = Quality(name="film", samples=4)  # The name is in digests of sets that exist.
GLANCE = Quality(name="glance", samples=6, bounces=2, glass_factor=1, denoiser="fast")
RELIT = Quality(name="relit", samples=8, bounces=2, glass_factor=1, denoiser="fast")
RAY = Quality(name="ray", samples=1, bounces=0, glass_factor=1)
SHADOW = Quality(name="shadow", samples=8, bounces=1, table=True)
QUALITIES = {quality.name: quality for quality in (DRAFT, REFERENCE, FINAL)}

DENOISER_SAMPLES = 2  # What denoising and storing a picture cost, in samples.


def effort(quality: Quality, size: Size) -> float:
    """How long a picture takes, compared to others of the same product: samples in all its pixels, in millions."""
    return (quality.samples + DENOISER_SAMPLES) * size.width * size.height / 1e6


def _identity(name: str, samples: int, **others: Any) -> Mapping[str, Any]:
    usual = {
        "name": name,
        "samples": samples,
        "noise": 0.0,
        "bounces": 3,
        "glass_factor": 4,
        "table": False,
        "denoiser": "balanced",
        "adapts_to_size": False,
        "shadow_samples": 8,
    }
    return usual | others


# A picture is up to date when its digest is the same. Its quality is in the digest with these values, which are not the
# settings of Cycles: sets that exist stay up to date when sampling gets faster. To have pictures of a quality rendered
# again, change its values here. The order of the keys is part of the digest.
IDENTITIES: Mapping[str, Mapping[str, Any]] = {
    "draft": _identity("draft", 2, bounces=2, denoiser="fast"),
    "reference": _identity("reference", 8),
    "final": _identity(
        "final", 64, noise=0.02, bounces=8, glass_factor=2, table=True, denoiser="careful", shadow_samples=32
    ),
    "film": _identity("film", 4),
    "relit": _identity("relit", 8, bounces=2, glass_factor=1, denoiser="fast"),
    "ray": _identity("ray", 1, bounces=0, glass_factor=1),
}
