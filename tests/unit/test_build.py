# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of the extension's zip for every platform."""

import tomllib
from pathlib import Path

import pytest

from tools import build

ROOT = Path(__file__).resolve().parents[2]
WHEELS = (
    "httpx-0.28.1-py3-none-any.whl",
    "pillow-13.0.0-cp311-cp311-win_amd64.whl",
    "pillow-13.0.0-cp313-cp313-win_amd64.whl",
)
WINDOWS = build.TARGETS[0]


def fake_download(target: build.Target, folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    for name in WHEELS:
        (folder / name).touch()
    return sorted(folder.iterdir())


def test_every_platform_of_blender_is_built():
    names = [target.name for target in build.TARGETS]
    assert names == ["windows-x64", "windows-arm64", "macos-arm64", "macos-x64", "linux-x64"]
    assert all({"3.11", "3.13"} <= set(target.pythons) for target in build.TARGETS)
    assert "3.14" in build.TARGETS[-1].pythons


def test_the_package_is_complete_and_contains_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(build, "download_wheels", fake_download)
    stage = tmp_path / "photoreal_set"
    build.stage_package(WINDOWS, stage)
    names = {path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file()}
    assert {
        "__init__.py",
        "batch.py",
        "blender_manifest.toml",
        "LICENSE",
        "command_line/bootstrap.py",
    } <= names
    assert {
        "requirements/run.in",
        "fal_bridge/engine.py",
        "panels/main.py",
        "command_line/commands/set.py",
    } <= names
    assert {
        "window/translations/de.po",
        "window/translations/ja.po",
        "manual/user-guide.html",
        "manual/images/guide-first.png",
    } <= names
    assert {name.split("/")[0] for name in names} & {
        "tests",
        "docs",
        "benchmarks",
        "tools",
        ".ci",
        ".git",
    } == set()


def test_the_manifest_names_the_platform_and_its_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(build, "download_wheels", fake_download)
    build.stage_package(WINDOWS, tmp_path / "stage")
    manifest = tomllib.loads((tmp_path / "stage" / "blender_manifest.toml").read_text())
    assert manifest["platforms"] == ["windows-x64"]
    assert manifest["wheels"] == [f"./wheels/{name}" for name in WHEELS]
    assert manifest["permissions"]["network"]


def test_a_python_without_a_binary_wheel_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Blender refuses to enable an extension whose binary wheels do not name its Python.
    fake_download(WINDOWS, tmp_path / "wheels")
    monkeypatch.setattr(build, "_run", lambda *_words: "")
    target = build.Target(name="windows-x64", tags=("win_amd64",), pythons=("3.14",))
    with pytest.raises(build.BuildError, match=r"3\.14"):
        build.download_wheels(target, tmp_path / "wheels")


def test_the_lock_has_a_hash_for_everything_and_no_compiled_package_but_one():
    lines = (ROOT / "requirements" / "wheels.txt").read_text().splitlines()
    packages = [line.split("==")[0] for line in lines if "==" in line]
    assert {"pillow", "httpx", "anyio", "fal-client", "certifi"} <= set(packages)
    assert not {"msgpack", "websockets", "numpy"} & set(packages)
    assert "anyio==4.14.2" in "\n".join(lines)
    assert sum(line.endswith("\\") and "==" in line for line in lines) == len(packages), "a hash follows each"
