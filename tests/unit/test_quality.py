# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets that exist stay up to date when the settings behind the name of a quality change."""

import hashlib
import importlib.util
import json
import sys

import pytest

from tools.imports import ROOT

# ``studio`` needs Blender, and this file of it does not.
_spec = importlib.util.spec_from_file_location("quality", ROOT / "studio" / "quality.py")
assert _spec and _spec.loader
quality = importlib.util.module_from_spec(_spec)
sys.modules["quality"] = quality
_spec.loader.exec_module(quality)

USED = (quality.DRAFT, quality.REFERENCE, quality.FINAL, quality.VIDEO, quality.RAY)


def digest(of: object) -> str:
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("name", "as_it_is", "with_five_samples"),
    [
        ("draft", "bd967a5d15096caf", "8cbafffbdfc83be9"),
        ("reference", "6c2f73110d702f93", "f5c96827b2cb9881"),
        ("final", "4a30eefbe5c85002", "39b22edb8ccf8d36"),
        ("film", "eb39c7f56a10504b", "2905f430e975048d"),
        ("ray", "75330f79978eb6c1", "f40597ba7f894165"),
    ],
)
def test_the_digest_of_a_quality_is_the_same_as_ever(name: str, as_it_is: str, with_five_samples: str):
    of = next(one for one in USED if one.name == name)
    assert digest(of.identity) == as_it_is
    assert digest(of.with_samples(5).identity) == with_five_samples


def test_another_number_of_samples_is_another_picture():
    assert quality.FINAL.with_samples(5).identity != quality.FINAL.with_samples(6).identity
