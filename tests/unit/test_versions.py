# SPDX-License-Identifier: GPL-3.0-or-later
"""The same version everywhere."""

import tomllib
from pathlib import Path

from photoreal_set.photo_set.version import VERSION

ROOT = Path(__file__).resolve().parents[2]


def toml(name: str) -> dict:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def test_the_version_is_the_same_everywhere():
    assert toml("pyproject.toml")["project"]["version"] == VERSION
    assert toml("blender_manifest.toml")["version"] == VERSION


def test_the_extension_keeps_its_fixed_names():
    manifest = toml("blender_manifest.toml")
    assert manifest["id"] == "photoreal_set"
    assert manifest["name"] == "Photoreal Set"
    assert manifest["blender_version_min"] == "4.3.0"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]


def test_installed_packages_have_the_versions_of_the_project():
    listed = [
        line.strip()
        for line in (ROOT / "requirements" / "run.in").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert set(toml("pyproject.toml")["project"]["dependencies"]) <= set(listed)
