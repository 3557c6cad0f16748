# SPDX-License-Identifier: GPL-3.0-or-later
"""How much effort Cycles puts into a picture."""

from dataclasses import dataclass

from ..optics.sizes import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Settings of Cycles.

    ``noise`` is the noise threshold at which a pixel is finished early (0: never). ``glass_factor`` multiplies the
    samples of products that transmit light. With ``table``, light that bounces off the table is traced; without, the
    light map replaces it, which is much less noisy and differs only close to the ground. ``denoiser`` is a key of
    ``compat.DENOISERS``. ``shadow_samples`` are those of the ground shadow. With ``adapts_to_size``, pictures of more
    than a megapixel get fewer samples per pixel: the denoiser has more pixels to work with.

    Names and values of these members are part of the digest that decides whether a picture is up to date.
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


DRAFT = Quality(name="draft", samples=2, bounces=2, denoiser="fast")
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
)
VIDEO = Quality(name="film", samples=4)  # The name is in digests of sets that exist.
GLANCE = Quality(name="glance", samples=6, bounces=2, glass_factor=1, denoiser="fast")
RAY = Quality(name="ray", samples=1, bounces=0, glass_factor=1)
SHADOW = Quality(name="shadow", samples=8, bounces=1, table=True)
QUALITIES = {quality.name: quality for quality in (DRAFT, REFERENCE, FINAL)}

DENOISER_SAMPLES = 2  # What denoising and storing a picture cost, in samples.


def effort(quality: Quality, size: Size) -> float:
    """How long a picture takes, compared to others of the same product: samples in all its pixels, in millions."""
    return (quality.samples + DENOISER_SAMPLES) * size.width * size.height / 1e6
