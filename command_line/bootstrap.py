# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds or makes a Python that has bpy and our packages, and starts batch.py in it.

Standard library only: this runs before any package is installed. It loads ``environment`` and two files of
``processes/``, which need nothing else, by their paths.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent


def _load_environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "photoreal_environment", ROOT / "command_line" / "environment.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


environment = _load_environment()
keys, say, BootstrapError = environment.keys, environment.say, environment.BootstrapError
blender_program = environment.load_module("photoreal_blender_program", "processes/blender_program.py")

OLDEST_BLENDER = (4, 3, 0)
PACKAGES = ("numpy", "PIL", "httpx", "fal_client")
REPAIRED = "PHOTOREAL_REPAIRED"  # Set in the start that follows a repair of the environment.
PROBE_MARK = "photoreal-probe "

# NumPy's library reads it when it is loaded. Its threads gain nothing with matrices as small as ours, and after each
# product they look for work for a tenth of a second, in competition with Cycles.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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


# --- inside a Blender ---------------------------------------------------------------------------


def package_folders() -> list[Path]:
    """Where packages for a Blender may be, besides its own site-packages."""
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
    """Runs in a Blender that was found: prints its version, what it lacks and where it looked."""
    import bpy

    answer = {
        "version": list(bpy.app.version),
        "fault": missing_packages_sentence(missing) if (missing := use_package_folders()) else "",
        "folders": sorted({*sys.path, *map(str, package_folders())}),
    }
    print(PROBE_MARK + json.dumps(answer), flush=True)


# --- finding a Blender --------------------------------------------------------------------------


def blender_command(arguments: list[str]) -> list[str] | None:
    """The command that runs batch.py in the user's Blender, or None when no suitable one is found.

    Raises BootstrapError when the user named a Blender that cannot be used.
    """
    if named := os.environ.get("BLENDER", "").strip():
        blender = shutil.which(named)
        if blender is None:
            raise BootstrapError(
                f"BLENDER names {named}, which is not a program: set it to a Blender or unset it."
            )
        if problem := blender_problem(blender):
            raise BootstrapError(f"The Blender named by BLENDER cannot be used: {problem}")
    else:
        blender = shutil.which("blender")
        if blender is None:
            return None
        if problem := blender_problem(blender):
            say(f"Passing over {blender}: {problem}")
            return None
    return list(blender_program.background_command(blender_program.BATCH, arguments, blender=blender))


def blender_problem(blender: str) -> str:
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
    problem, folders = _probe(blender)
    if folders:
        answer = {"fault": problem, "folders": folders, "stamp": _stamp([program, *folders])}
        with contextlib.suppress(OSError):  # Without a cache the next start asks again.
            cache.parent.mkdir(parents=True, exist_ok=True)
            cache.write_text(json.dumps(answer))
    return problem


def _stamp(paths: list[str]) -> list[int]:
    """Changes whenever one of these files or folders does."""
    return [Path(path).stat().st_mtime_ns if Path(path).exists() else 0 for path in paths]


def _probe(blender: str) -> tuple[str, list[str]]:
    """Asks a Blender why it cannot run us, "" when it can, and in which folders it looks for packages."""
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

    The system keeps showing the environment that a process was started with, in ``/proc`` for example.
    """
    start([sys.executable, *sys.orig_argv[1:]])


def start_blender(command: list[str]) -> NoReturn:
    """Become a Blender whose standard output has only our output: its own goes to standard error."""
    if os.name != "nt":
        output = os.dup(1)
        os.set_inheritable(output, True)
        os.environ["PHOTOREAL_OUTPUT"] = str(output)  # command_line/main.py reads it.
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
        python = environment.python_path()
        # It is complete, and lacks packages: starting again would not add them.
        is_damaged = environment.is_ready(python, dev=dev) and Path(sys.executable).absolute() == python
        if is_damaged and os.environ.pop(REPAIRED, ""):
            raise BootstrapError(f"{environment.ENVIRONMENT} is damaged: delete this folder and start again.")
        if is_damaged:
            os.environ[REPAIRED] = "1"
        python = environment.repaired_python(dev=dev) if is_damaged else environment.ready_python(dev=dev)
    except BootstrapError as error:
        say(str(error))
        sys.exit(3)
    except OSError as error:
        place = error.filename or environment.ENVIRONMENT
        say(
            f"{environment.ENVIRONMENT} cannot be made ({place}: {error.strerror}): free space or fix the permissions."
        )
        sys.exit(3)
    start([str(python), *sys.orig_argv[1:]])
