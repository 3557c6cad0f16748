# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds or makes a Python that has bpy and our packages, and starts batch.py there.

Standard library only. Of the product it loads just ``processes/keys.py`` and ``files/lock.py``, which import nothing else
of it: this runs before any package is installed.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, NoReturn

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
UNFINISHED = ROOT / ".venv.unfinished"  # There while a new ENVIRONMENT is being filled.
PYTHONS = ("3.11", "3.13")  # 3.11 gets bpy 4.5 LTS, 3.13 gets bpy 5.2 LTS: see requirements/.
OLDEST_BLENDER = (4, 3, 0)
PACKAGES = ("numpy", "PIL", "httpx", "fal_client")
PROBE_MARK = "photoreal-probe "

# The libraries that the bpy wheel takes from the system, with the Debian package of each.
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
    """One sentence on what is missing and how to get it."""


def load_package() -> ModuleType:
    """The repository root as the package ``photoreal_set``, whatever its folder is called."""
    if "photoreal_set" in sys.modules:
        return sys.modules["photoreal_set"]
    spec = importlib.util.spec_from_file_location(
        "photoreal_set", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["photoreal_set"] = module
    spec.loader.exec_module(module)
    return module


def _loaded_alone(path: str) -> ModuleType:
    """One file of the product that imports nothing else of it; the package cannot be loaded yet."""
    spec = importlib.util.spec_from_file_location(f"photoreal_{Path(path).stem}", ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


keys = _loaded_alone("processes/keys.py")


def say(text: str) -> None:
    print(f"[photoreal-set] {text}", file=sys.stderr, flush=True)


# --- inside a Blender ---------------------------------------------------------------------------


def in_real_blender() -> bool:
    """True in the Blender program, False in the ``bpy`` module and in plain Python."""
    bpy = sys.modules.get("bpy")
    return bpy is not None and bool(bpy.app.binary_path)


def package_folders() -> list[Path]:
    """Where a Blender's packages may lie besides its own site-packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folders = [ROOT / ".packages" / version]
    bpy = sys.modules.get("bpy")
    if bpy is not None:
        extensions = Path(bpy.utils.user_resource("EXTENSIONS"))
        folders.append(extensions / ".local" / "lib" / version / "site-packages")
    return folders


def use_package_folders() -> list[str]:
    """Put the package folders on the path; the names of the packages that are still missing."""
    for folder in package_folders():
        if folder.is_dir() and str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def missing_packages_sentence(missing: list[str]) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = f'"{sys.executable}"'
    # Without numpy where Blender has its own: its compiled modules were made for that one.
    wanted = [line for line in _packages_with_versions() if line != "numpy" or "numpy" in missing]
    install = f'{python} -m pip install --target "{package_folders()[0]}" {" ".join(wanted)}'
    if importlib.util.find_spec("pip") is None:
        if importlib.util.find_spec("ensurepip") is not None:
            install = f"{python} -m ensurepip && {install}"
        elif shutil.which("apt-get"):
            install = f"{_as_root('apt-get install -y python3-pip')} && {install}"
        else:
            install = f"{install} (it needs pip for this Python first)"
    return (
        f"This Blender's Python {version} lacks {', '.join(missing)}: install the Photoreal Set extension in it, "
        f"or run once: {install}"
    )


def _packages_with_versions() -> list[str]:
    lines = (ROOT / "requirements" / "run.in").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _as_root(command: str) -> str:
    return command if hasattr(os, "geteuid") and os.geteuid() == 0 else f"sudo {command}"


def print_probe() -> None:
    """Runs in a Blender that was found: tells its version, what it lacks and where it looked."""
    import bpy

    answer = {
        "version": list(bpy.app.version),
        "fault": missing_packages_sentence(missing) if (missing := use_package_folders()) else "",
        "folders": sorted({*sys.path, *map(str, package_folders())}),
    }
    print(PROBE_MARK + json.dumps(answer), flush=True)


# --- finding a Blender --------------------------------------------------------------------------


def blender_command(arguments: list[str]) -> list[str] | None:
    """The command that runs batch.py in the user's Blender, or None when there is no fit one.

    Raises BootstrapError when the user named a Blender that cannot be used.
    """
    if named := os.environ.get("BLENDER", "").strip():
        blender = shutil.which(named)
        if blender is None:
            raise BootstrapError(
                f"BLENDER names {named}, which is not a program: set it to a Blender or unset it."
            )
        if fault := blender_fault(blender):
            raise BootstrapError(f"The Blender named by BLENDER cannot be used: {fault}")
    else:
        blender = shutil.which("blender")
        if blender is None:
            return None
        if fault := blender_fault(blender):
            say(f"Passing over {blender}: {fault}")
            return None
    script = str(ROOT / "batch.py")
    return [blender, "-b", "--python-exit-code", "3", "--python", script, "--", *arguments]


def blender_fault(blender: str) -> str:
    """Why this Blender cannot run us, or "".

    The answer is kept until the program, or a folder in which it looks for packages, changes.
    """
    program = str(Path(blender).resolve())
    name = hashlib.sha256(f"{program}\n{ROOT}".encode()).hexdigest()[:16]
    cache = _cache_folder() / f"blender-{name}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(cache.read_text())
        if known["stamp"] == _stamp([program, *known["folders"]]):
            return str(known["fault"])
    fault, folders = _probe(blender)
    if folders:
        answer = {"fault": fault, "folders": folders, "stamp": _stamp([program, *folders])}
        with contextlib.suppress(OSError):  # Without a cache the next start asks again.
            cache.parent.mkdir(parents=True, exist_ok=True)
            cache.write_text(json.dumps(answer))
    return fault


def _stamp(paths: list[str]) -> list[int]:
    """Changes whenever one of these files or folders does."""
    return [Path(path).stat().st_mtime_ns if Path(path).exists() else 0 for path in paths]


def _probe(blender: str) -> tuple[str, list[str]]:
    """Asks a Blender: its fault or "", and the folders in which it looks for packages."""
    code = (
        "import importlib.util as u; "
        f"s = u.spec_from_file_location('bootstrap', {str(Path(__file__).resolve())!r}); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); m.print_probe()"
    )
    try:
        done = subprocess.run(
            [blender, "-b", "--python-expr", code],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            env=keys.without_keys(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not start ({error}).", []
    for line in done.stdout.splitlines():
        if line.startswith(PROBE_MARK):
            answer = json.loads(line.removeprefix(PROBE_MARK))
            folders = list(answer["folders"])
            if tuple(answer["version"]) < OLDEST_BLENDER:
                found = ".".join(map(str, answer["version"]))
                return f"it is Blender {found}, and 4.3 is the oldest that works.", folders
            return answer["fault"], folders
    return "it does not answer in background mode.", []


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(base) / "photoreal_set"


# --- making an environment ----------------------------------------------------------------------


def _environment_python() -> Path:
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environment_python(*, dev: bool = False) -> Path:
    """The Python of ``.venv``, made or completed first when needed.

    Raises BootstrapError with what to install when it cannot be made.
    """
    python = _environment_python()
    if _is_ready(python, dev=dev):
        return python
    with _one_at_a_time(ROOT / ".venv.lock"):
        if not _is_ready(python, dev=dev):
            _make_environment(python, dev=dev)
    return python


def _requirements(python: Path, *, dev: bool) -> Path:
    """The lock file that fits the Python of the environment."""
    home = ""
    with contextlib.suppress(OSError):
        home = (ENVIRONMENT / "pyvenv.cfg").read_text()
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", home, re.MULTILINE)
    if not found:
        raise BootstrapError(f"{ENVIRONMENT} is damaged: delete this folder and start again.")
    return ROOT / "requirements" / f"{'dev' if dev else 'run'}-py{found[1]}{found[2]}.txt"


def _marker(python: Path, *, dev: bool) -> Path:
    digest = hashlib.sha256(_requirements(python, dev=dev).read_bytes()).hexdigest()[:16]
    return ENVIRONMENT / f"ready-{'dev' if dev else 'run'}-{digest}"


def _is_ready(python: Path, *, dev: bool) -> bool:
    if not python.exists():
        return False
    try:
        if _marker(python, dev=dev).exists():
            return True
        return not dev and _marker(python, dev=True).exists()
    except OSError:
        return False


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Only one process makes the environment; the others wait and then find it ready."""
    lock = _loaded_alone("files/lock.py")
    with path.open("a+b") as stream:  # It is never deleted: a process that waits for it would lock nothing.
        said = False
        while not _try_lock(lock, stream):
            if not said:
                say(f"Waiting for another start, which makes {ENVIRONMENT.name}")
                said = True
            time.sleep(0.2)
        yield


def _try_lock(lock: ModuleType, stream: BinaryIO) -> bool:
    try:
        return bool(lock.try_lock(stream))
    except OSError as error:
        raise BootstrapError(f"{ENVIRONMENT.name} cannot be locked here ({error.strerror}).") from error


def _make_environment(python: Path, *, dev: bool) -> None:
    if UNFINISHED.exists():
        say(f"The start that made {ENVIRONMENT.name} was interrupted: making it again")
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    if not python.exists():
        UNFINISHED.touch()
        _make_venv()
    if not python.exists():
        raise BootstrapError(f"No Python was made at {python}: delete {ENVIRONMENT} and start again.")
    requirements = _requirements(python, dev=dev)
    if not requirements.exists():
        raise BootstrapError(
            f"{ENVIRONMENT} has a Python that bpy does not exist for: delete this folder and start again."
        )
    say(
        f"Installing the packages of {requirements.relative_to(ROOT)} (about 400 MB with Blender's bpy, once)"
    )
    installer = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    if not _works([str(python), "-m", "pip", "--version"]):
        if (uv := _uv()) is None:
            raise BootstrapError(f"{ENVIRONMENT} has no pip: delete this folder and start again.")
        installer = [uv, "pip", "install", "--python", str(python)]
    _run([*installer, "--require-hashes", "-r", str(requirements)], "The packages could not be installed")
    UNFINISHED.unlink(missing_ok=True)
    _check_bpy(python)
    _marker(python, dev=dev).touch()
    say("Ready")


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
            f"Blender's bpy exists for Python 3.11 and 3.13, and this is {version}: install one of them, or uv, "
            "or name a Blender 4.3 or newer in BLENDER."
        )


def _own_python() -> str | None:
    if f"{sys.version_info.major}.{sys.version_info.minor}" in PYTHONS:
        return sys.executable
    return next((found for version in PYTHONS if (found := shutil.which(f"python{version}"))), None)


def _uv() -> str | None:
    return shutil.which("uv")


def _works(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, env=keys.without_keys(os.environ))
        return done.returncode == 0
    except OSError:
        return False


def _run(command: list[str], fault: str) -> None:
    done = subprocess.run(command, stdout=sys.stderr, env=keys.without_keys(os.environ))
    if done.returncode:
        raise BootstrapError(
            f"{fault}: the command {command[0]} ended with {done.returncode}; its words are above."
        )


def _check_bpy(python: Path) -> None:
    """Import bpy once; bring or name the system libraries that it misses."""
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
            words = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise BootstrapError(f"Blender's bpy does not load in {python}: {words}")
        _install_or_ask(_debian_packages(missing[1]), f"Blender's bpy needs the system library {missing[1]}")
    raise BootstrapError(f"Blender's bpy does not load in {python}: system libraries are still missing.")


def _debian_packages(library: str) -> list[str]:
    if library not in DEBIAN_PACKAGES:
        raise BootstrapError(
            f"Blender's bpy needs the system library {library}: install the package that has it."
        )
    # A machine that lacks one of the X libraries mostly lacks them all: one installation instead of ten.
    return sorted(set(DEBIAN_PACKAGES.values()) - {"libegl1"})


def _install_or_ask(packages: list[str], fault: str) -> None:
    command = f"apt-get install -y {' '.join(packages)}"
    apt = shutil.which("apt-get")
    if apt is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise BootstrapError(f"{fault}: on Debian or Ubuntu run `sudo {command}` and start again.")
    say(f"{fault}: installing {' '.join(packages)}")
    quiet = {**keys.without_keys(os.environ), "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([apt, "update", "-qq"], capture_output=True, env=quiet, check=False)
    install = [apt, "install", "-y", "-qq", "--no-install-recommends", *packages]
    done = subprocess.run(
        install, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=quiet
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise BootstrapError(f"{fault}, and `{command}` failed; its words are above.")


# --- starting there -----------------------------------------------------------------------------


def drop_unneeded_keys(arguments: list[str]) -> bool:
    """Take the keys out of the environment when the command does not use fal.ai; whether there were any."""
    if keys.may_need_key(arguments):
        return False
    found = [name for name in keys.KEY_VARIABLES if name in os.environ]
    for name in found:
        del os.environ[name]
    return bool(found)


def start_again() -> NoReturn:
    """Start this very command again with the environment as it is now.

    The system goes on showing the environment that a process was started with, in ``/proc`` for example.
    """
    start([sys.executable, *sys.orig_argv[1:]])


def start_blender(command: list[str]) -> NoReturn:
    """Become a Blender whose standard output holds our words alone: its own go to standard error."""
    if os.name != "nt":
        output = os.dup(1)
        os.set_inheritable(output, True)
        os.environ["PHOTOREAL_OUTPUT"] = str(output)  # cli.py takes it from there.
        os.dup2(2, 1)
    start(command)


def start(command: list[str]) -> NoReturn:
    """Become ``command``: its exit code and its signals are ours."""
    if os.name == "nt":  # exec on Windows returns to the prompt at once.
        sys.exit(subprocess.run(command).returncode)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)


def reexec_in_environment(*, dev: bool = False) -> NoReturn:
    """Start this very command again with the Python of ``.venv``, which is made when needed."""
    try:
        was_ready = _is_ready(_environment_python(), dev=dev)
        python = environment_python(dev=dev)
    except BootstrapError as error:
        say(str(error))
        sys.exit(3)
    except OSError as error:
        place = error.filename or ENVIRONMENT
        say(f"{ENVIRONMENT} cannot be made ({place}: {error.strerror}): free space or fix the rights.")
        sys.exit(3)
    arguments = sys.orig_argv[1:]
    # Packages that a complete environment lacks will not come by starting it again.
    if was_ready and Path(sys.executable).absolute() == python.absolute():
        say(f"{ENVIRONMENT} is damaged: delete this folder and start again.")
        sys.exit(3)
    start([str(python), *arguments])
