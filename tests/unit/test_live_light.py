# SPDX-License-Identifier: GPL-3.0-or-later
"""The light of the studio that is looked at is the light of the photos."""

from collections.abc import Generator
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest

from photoreal_set.optics.light_map import Rig, light_of
from photoreal_set.optics.live_light import LiveSky, exposure_of, sky_in_steps
from photoreal_set.optics.rigs import RIGS

Result = TypeVar("Result")
PANORAMA = np.random.default_rng(3).random((64, 128, 3)) * (1.0, 0.7, 1.3)


def result_of(steps: Generator[None, None, Result]) -> Result:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def sky_of(rig: Rig, panorama: np.ndarray | None = None) -> LiveSky:
    return result_of(sky_in_steps(rig, panorama))


@pytest.mark.parametrize("name", RIGS)
def test_a_live_light_is_that_of_the_photos(name: str):
    rig = RIGS[name]
    light, sky = light_of(rig), sky_of(rig)
    exposure = exposure_of(sky, rig)
    factor = np.mean(exposure.factor)
    assert np.allclose(sky.radiance * factor, light.radiance, rtol=0.02, atol=0.002)
    for (area, radiance), (wanted, bright) in zip(exposure.areas, light.areas, strict=True):
        assert area == wanted
        assert radiance == pytest.approx(bright, rel=0.01)


@pytest.mark.parametrize("name", ["softbox", "three-point"])
def test_turning_the_lights_needs_no_new_map(name: str):
    rig = RIGS[name].turned(rotation=90.0, intensity=1.5)
    light, sky = light_of(rig), sky_of(replace(rig, rotation=0.0))
    exposure = exposure_of(sky, rig)
    turned = np.roll(sky.radiance, -sky.radiance.shape[1] // 4, axis=1)
    assert np.allclose(turned * np.mean(exposure.factor), light.radiance, rtol=0.02, atol=0.002)
    assert [area.azimuth for area, _radiance in exposure.areas] == [
        area.azimuth for area, _radiance in light.areas
    ]


def test_a_panorama_is_white_balanced_as_in_the_photos():
    rig = Rig(name="panorama", rotation=0.0)
    light, sky = light_of(rig, PANORAMA), sky_of(rig, PANORAMA)
    exposed = sky.radiance * np.array(exposure_of(sky, rig).factor)
    assert np.allclose(exposed, light.radiance, rtol=0.02, atol=0.002)


def test_a_light_map_comes_in_many_steps():
    assert sum(1 for _step in sky_in_steps(RIGS["softbox"])) > 8
