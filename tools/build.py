# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.build``: the extension as zips, one per platform, and a static repository of them.

Every zip is built from a separate staging folder with the package and the locked wheels of that platform;
``validate`` and ``build`` of Blender's extension command make the zip, ``server-generate`` the ``index.json``.
The Blender named by ``--blender`` does that, else the script that comes with the ``bpy`` module.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.manual import write_pages

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "wheels.txt"
PYTHONS = ("3.11", "3.13")
PREFIX = "[build]"

# What the package does not need when it is installed.
LEFT_OUT = ("tests", "benchmarks", "docs", "requirements", "tools", "farm", "CHANGELOG.md", "pyproject.toml")
KEPT = ("requirements/run.in",)  # Reports missing packages.


class BuildError(Exception):
    """The zip cannot be built; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A platform as Blender names it, the wheel tags that fit it, and the Pythons of its Blenders."""

    name: str
    tags: tuple[str, ...]
    pythons: tuple[str, ...] = PYTHONS


TARGETS = (
    Target(name="windows-x64", tags=("win_amd64",)),
    Target(name="windows-arm64", tags=("win_arm64",)),
    Target(name="macos-arm64", tags=("macosx_11_0_arm64",)),
    # Wheels of newer Pythons ask for a newer macOS.
    Target(name="macos-x64", tags=("macosx_10_13_x86_64", "macosx_10_10_x86_64")),
    # Distributions build Blender with their own Python.
    Target(
        name="linux-x64",
        tags=tuple(f"manylinux{tag}_x86_64" for tag in ("_2_28", "_2_27", "_2_17", "2014")),
        pythons=(*PYTHONS, "3.14"),
    ),
)


def say(text: str) -> None:
    print(f"{PREFIX} {text}", flush=True)


def build(names: Sequence[str], out: Path, extension: list[str]) -> list[Path]:
    """The zips of these platforms in ``out``, beside an ``index.json``. Raises BuildError."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("photoreal_set-*.zip"):
        old.unlink()
    zips = []
    with tempfile.TemporaryDirectory(prefix="photoreal-build-") as folder:
        for target in TARGETS:
            if target.name not in names:
                continue
            stage = Path(folder) / target.name / "photoreal_set"
            wheels = stage_package(target, stage)
            zips.append(_zip(target, stage, out, extension))
            size = zips[-1].stat().st_size / 1e6
            share = sum(wheel.stat().st_size for wheel in wheels) / 1e6
            say(f"{zips[-1].name}: {size:.2f} MB, {len(wheels)} wheels of {share:.2f} MB")
    _run([*extension, "server-generate", "--repo-dir", str(out)], "The index could not be made")
    say(f"{out / 'index.json'}: {len(zips)} zips")
    return zips


def stage_package(target: Target, stage: Path) -> list[Path]:
    """Copy the package, its manual and its wheels into ``stage``; returns the wheels. Raises BuildError."""
    for relative in _package_files():
        copy = stage / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / relative, copy)
    write_pages(stage / "manual")
    wheels = download_wheels(target, stage / "wheels")
    _write_manifest(stage / "blender_manifest.toml", target, wheels)
    return wheels


def _package_files() -> list[str]:
    """The files tracked by git, without those that only developers need."""
    listed = _run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"], "git")
    names = [name for name in listed.splitlines() if (ROOT / name).is_file() and not name.startswith(".")]
    return [name for name in names if name in KEPT or name.split("/")[0] not in LEFT_OUT]


def download_wheels(target: Target, folder: Path) -> list[Path]:
    """Every wheel of the lock file for all Pythons of a platform, each with a hash of the lock."""
    for python in target.pythons:
        tag = "cp" + python.replace(".", "")
        options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--implementation", "cp"]
        options += ["--python-version", python, "--abi", tag, "--abi", "none", "-d", str(folder)]
        options += [part for name in target.tags for part in ("--platform", name)]
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", *options]
        _run([*command, "-r", str(LOCK)], f"The wheels for {target.name} and Python {python} did not come")
    wheels = sorted(folder.glob("*.whl"))
    for python in target.pythons:
        tag = "cp" + python.replace(".", "")
        if not any(f"-{tag}-" in wheel.name for wheel in wheels):
            # Blender refuses every Python that no binary wheel names.
            raise BuildError(f"No wheel for {target.name} names Python {python}.")
    return wheels


def _write_manifest(path: Path, target: Target, wheels: Sequence[Path]) -> None:
    text = path.read_text(encoding="utf-8")
    head, mark, permissions = text.partition("[permissions]")
    lines = "".join(f"  {json.dumps(f'./wheels/{wheel.name}')},\n" for wheel in wheels)
    added = f'platforms = ["{target.name}"]\nwheels = [\n{lines}]\n\n'
    path.write_text(f"{head}{added}{mark}{permissions}", encoding="utf-8")


def _zip(target: Target, stage: Path, out: Path, extension: list[str]) -> Path:
    version = next(
        line.split('"')[1]
        for line in (stage / "blender_manifest.toml").read_text().splitlines()
        if line.startswith("version")
    )
    result = out / f"photoreal_set-{version}-{target.name.replace('-', '_')}.zip"
    _run([*extension, "validate", str(stage)], f"The package for {target.name} is not valid")
    command = [*extension, "build", "--source-dir", str(stage), "--output-filepath", str(result)]
    _run(command, f"The zip for {target.name} could not be made")
    _run([*extension, "validate", str(result)], f"{result.name} is not valid")
    return result


def extension_command(blender: str) -> list[str]:
    """The program for the extension commands: a Blender, or its script from the bpy module. Raises BuildError."""
    if blender:
        return [blender, "--command", "extension"]
    import importlib.util

    found = importlib.util.find_spec("bpy")
    if found is not None and found.origin:
        for script in Path(found.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return [sys.executable, str(script)]
    raise BuildError("There is no Blender: name one with --blender, or run this with the Python of .venv.")


def _run(command: list[str], fault: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=dict(os.environ))
    if done.returncode:
        message = (done.stdout + done.stderr).strip()
        raise BuildError(f"{fault}:\n{message}")
    return done.stdout


def main(arguments: list[str]) -> int:
    """0 when all zips were built."""
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__)
    parser.add_argument("--platform", action="append", choices=names, help="only this one; default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR")
    parser.add_argument("--blender", default="", metavar="PROGRAM", help="does validate and build")
    options = parser.parse_args(arguments)
    try:
        build(options.platform or names, options.out.resolve(), extension_command(options.blender))
    except BuildError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
