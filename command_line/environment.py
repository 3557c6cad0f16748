# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the ``.venv`` with bpy and our packages.

Standard library only. ``bootstrap`` loads this file by its path, before the packages of the product are installed.
"""

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
UNFINISHED = ROOT / ".venv.unfinished"  # Exists while a new ENVIRONMENT is being filled.
PYTHONS = ("3.11", "3.13")  # 3.11 gets bpy 4.5 LTS, 3.13 gets bpy 5.2 LTS: see requirements/.

# System libraries that the bpy wheel needs, with the Debian package of each.
DEBIAN_PACKAGES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libXext.so.6": "libxext6",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
}


class BootstrapError(Exception):
    """What is missing and how to get it, in one sentence."""


def load_module(name: str, path: str) -> ModuleType:
    """The file ``path`` of the repository as the module ``name``: the package cannot be loaded yet."""
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


keys = load_module("photoreal_keys", "processes/fal_keys.py")
installing = load_module("photoreal_installing", "command_line/installing.py")


def say(text: str) -> None:
    print(f"[photoreal-set] {text}", file=sys.stderr, flush=True)


def python_path() -> Path:
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ready_python(*, dev: bool = False) -> Path:
    """The Python of ``.venv``, which is made or completed first when needed.

    Raises BootstrapError with what to install when it cannot be made.
    """
    python = python_path()
    if is_ready(python, dev=dev):
        return python
    with _one_at_a_time(ROOT / ".venv.lock"):
        if not is_ready(python, dev=dev):
            _make_environment(python, dev=dev)
    return python


def repaired_python(*, dev: bool) -> Path:
    """The Python of an environment that looked complete and lacks packages. Raises BootstrapError as ``ready_python``."""
    UNFINISHED.touch()
    for marker in ENVIRONMENT.glob("ready-*"):
        marker.unlink(missing_ok=True)
    return ready_python(dev=dev)


def _python_version() -> str:
    """Of the environment, like "311"; "" when it is damaged."""
    home = ""
    with contextlib.suppress(OSError):
        home = (ENVIRONMENT / "pyvenv.cfg").read_text()
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", home, re.MULTILINE)
    return f"{found[1]}{found[2]}" if found else ""


def _requirements(*, dev: bool) -> Path:
    """The lock file that fits the Python of the environment."""
    version = _python_version()
    if not version:
        raise BootstrapError(f"{ENVIRONMENT} is damaged: delete this folder and start again.")
    return ROOT / "requirements" / f"{'dev' if dev else 'run'}-py{version}.txt"


def _marker(*, dev: bool) -> Path:
    digest = hashlib.sha256(_requirements(dev=dev).read_bytes()).hexdigest()[:16]
    return ENVIRONMENT / f"ready-{'dev' if dev else 'run'}-{digest}"


def is_ready(python: Path, *, dev: bool) -> bool:
    """Whether the environment was completed for the lock file of today."""
    if not python.exists() or not _python_version():
        return False
    try:
        return _marker(dev=dev).exists() or (not dev and _marker(dev=True).exists())
    except OSError:
        return False


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Only one process makes the environment; the others wait and find it ready."""
    lock = load_module("photoreal_lock", "files/lock.py")
    with path.open("a+b") as stream:  # It is never deleted: a process that waits for it would lock nothing.
        is_told = False
        while not _try_lock(lock, stream):
            if not is_told:
                say(f"Waiting for another process that is making {ENVIRONMENT.name}")
                is_told = True
            time.sleep(0.2)
        yield


def _try_lock(lock: ModuleType, stream: BinaryIO) -> bool:
    try:
        return bool(lock.try_lock(stream))
    except OSError as error:
        raise BootstrapError(f"{ENVIRONMENT.name} cannot be locked here ({error.strerror}).") from error


def _make_environment(python: Path, *, dev: bool) -> None:
    if UNFINISHED.exists() or (ENVIRONMENT.exists() and not (python.exists() and _python_version())):
        say(f"{ENVIRONMENT.name} is not complete: making it again")
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    if not python.exists():
        UNFINISHED.touch()
        _make_venv()
    if not python.exists():
        raise BootstrapError(f"No Python was made at {python}: delete {ENVIRONMENT} and start again.")
    requirements = _requirements(dev=dev)
    if not requirements.exists():
        raise BootstrapError(
            f"{ENVIRONMENT} has a Python that bpy is not available for: delete this folder and start again."
        )
    say(
        f"Installing the packages of {requirements.relative_to(ROOT)} (about 400 MB with Blender's bpy, once)"
    )
    _install(python, requirements)
    UNFINISHED.unlink(missing_ok=True)
    _check_bpy(python)
    _marker(dev=dev).touch()
    say("Ready")


def _install(python: Path, requirements: Path) -> None:
    options = ["install", "--require-hashes", "-r", str(requirements)]
    if _works([str(python), "-m", "pip", "--version"]):
        command = [str(python), "-m", "pip", "--disable-pip-version-check", *options]
        if reason := installing.install(command, requirements, keys.without_keys(os.environ)):
            raise BootstrapError(reason)
    elif uv := _uv():
        command = [uv, "pip", *options, "--python", str(python)]
        _run(command, "The packages could not be installed")
    else:
        raise BootstrapError(f"{ENVIRONMENT} has no pip: delete this folder and start again.")


def _make_venv() -> None:
    if own := _own_python():
        say(f"Making {ENVIRONMENT.name} with {own}")
        if not _works([own, "-c", "import ensurepip, venv"]):
            _install_or_ask(["python3-venv"], "Python's venv module is missing")
        _run([own, "-m", "venv", str(ENVIRONMENT)], "The environment could not be made")
    elif uv := _uv():
        say(f"Making {ENVIRONMENT.name} with uv and Python {PYTHONS[0]}")
        _run([uv, "venv", "--seed", "--python", PYTHONS[0], str(ENVIRONMENT)], "uv could not get Python 3.11")
    else:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise BootstrapError(
            f"Blender's bpy is available for Python 3.11 and 3.13, and this is {version}: install one of them, or uv, "
            "or name a Blender 4.3 or newer in BLENDER."
        )


def _own_python() -> str | None:
    if f"{sys.version_info.major}.{sys.version_info.minor}" in PYTHONS:
        # Not that of a virtual environment, which may be the one that is made again.
        return str(getattr(sys, "_base_executable", sys.executable))
    return next((found for version in PYTHONS if (found := shutil.which(f"python{version}"))), None)


def _uv() -> str | None:
    return shutil.which("uv")


def _works(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, env=keys.without_keys(os.environ))
        return done.returncode == 0
    except OSError:
        return False


def _run(command: list[str], error: str) -> None:
    done = subprocess.run(command, stdout=sys.stderr, env=keys.without_keys(os.environ))
    if done.returncode:
        raise BootstrapError(
            f"{error}: the command {command[0]} ended with {done.returncode}; see its output above."
        )


def _check_bpy(python: Path) -> None:
    """Import bpy once; install or name the system libraries that it needs."""
    for _attempt in range(len(DEBIAN_PACKAGES)):
        done = subprocess.run(
            [str(python), "-c", "import bpy"],
            capture_output=True,
            text=True,
            errors="replace",
            env=keys.without_keys(os.environ),
        )
        if done.returncode == 0:
            return
        missing = re.search(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object", done.stderr)
        if not missing:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise BootstrapError(f"Blender's bpy does not load in {python}: {last}")
        _install_or_ask(_debian_packages(missing[1]), f"Blender's bpy needs the system library {missing[1]}")
    raise BootstrapError(f"Blender's bpy does not load in {python}: system libraries are still missing.")


def _debian_packages(library: str) -> list[str]:
    if library not in DEBIAN_PACKAGES:
        raise BootstrapError(
            f"Blender's bpy needs the system library {library}: install the package that has it."
        )
    # A machine without one of the X libraries mostly has none of them: one installation instead of ten.
    return sorted(set(DEBIAN_PACKAGES.values()) - {"libegl1"})


def _install_or_ask(packages: list[str], need: str) -> None:
    command = f"apt-get install -y {' '.join(packages)}"
    apt = shutil.which("apt-get")
    if apt is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise BootstrapError(f"{need}: on Debian or Ubuntu run `sudo {command}` and start again.")
    say(f"{need}: installing {' '.join(packages)}")
    quiet = {**keys.without_keys(os.environ), "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([apt, "update", "-qq"], capture_output=True, env=quiet, check=False)
    install = [apt, "install", "-y", "-qq", "--no-install-recommends", *packages]
    done = subprocess.run(
        install, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=quiet
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise BootstrapError(f"{need}, and `{command}` failed; see its output above.")
