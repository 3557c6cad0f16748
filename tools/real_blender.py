# SPDX-License-Identifier: GPL-3.0-or-later
"""Root folders with real Blender programs in them, for tests: Debian's Blender 4.3.2 and 5.2 LTS.

``python3 -m tools.real_blender make trixie [DIR]`` makes one, or keeps a good existing one.
``python3 -m tools.real_blender run trixie|DIR -- COMMAND …`` becomes COMMAND inside it, with the project
at /project. Needs root on Debian or Ubuntu. Standard library only.
"""

import argparse
import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from files.lock import locked

PROJECT = Path(__file__).resolve().parent.parent
MARKER = ".photoreal-root"
PREFIX = "[real-blender]"
CLONE_NEWNS = 0x00020000  # For unshare(2): private mounts, which end with the last process in them.
MOUNTED = ("/proc", "/dev", "/sys")
# The machine's network configuration, including certificates; only what exists there is bound, read-only.
NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs")
NETWORK_VARIABLES = (
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT"),
)
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
WINDOW = ("xvfb", "xdotool", "imagemagick", "libgl1-mesa-dri")
BLENDER = ("blender", "ca-certificates", "python3-numpy", "python3-requests", *WINDOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A root folder: the Debian suite, what is installed, and the program that proves it whole."""

    suite: str
    packages: tuple[str, ...]
    program: str = "usr/bin/blender"


RECIPES = {
    "trixie": Recipe(suite="trixie", packages=BLENDER),  # Blender 4.3.2, Python 3.13.
    # Blender 5.2 LTS, Python 3.14; its extension system needs the last two.
    "sid": Recipe(suite="sid", packages=(*BLENDER, "python3-cattr", "python3-fastjsonschema")),
    # Machines with a Python and nothing else, for command_line/bootstrap.py: Python 3.13 and 3.11.
    "bare-trixie": Recipe(
        suite="trixie", packages=("python3", "ca-certificates"), program="usr/bin/python3.13"
    ),
    "bare-bookworm": Recipe(
        suite="bookworm", packages=("python3", "ca-certificates"), program="usr/bin/python3.11"
    ),
}


class RootError(Exception):
    """The root folder cannot be made; the message says why."""


def say(text: str) -> None:
    print(f"{PREFIX} {text}", file=sys.stderr, flush=True)


def default_folder(name: str) -> Path:
    """The default location of a recipe's root folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "photoreal_set" / "roots" / name


def is_good(folder: Path, name: str) -> bool:
    """True when ``folder`` holds the finished root of that recipe."""
    with contextlib.suppress(OSError):
        return (folder / MARKER).read_text().strip() == name and (folder / RECIPES[name].program).exists()
    return False


def make(name: str, folder: Path) -> Path:
    """The root folder of a recipe, made when there is no usable one. Raises RootError."""
    _require_root()
    folder = folder.resolve()
    if folder.is_relative_to(PROJECT):
        raise RootError(f"{folder} is in the project: name a folder outside of it.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("ab") as lock, locked(lock):
        if is_good(folder, name):
            say(f"{folder} is there already")
            return folder
        if folder.exists() and not (folder / MARKER).exists() and any(folder.iterdir()):
            raise RootError(f"{folder} holds something else: name another folder, or empty it.")
        part = folder.with_name(f".{folder.name}.part")
        for old in (folder, part):
            _remove(old)
        with folder.with_name(".mmdebstrap.lock").open("ab") as lock, locked(lock):
            _require_mmdebstrap()
        recipe = RECIPES[name]
        say(f"Making {folder} (Debian {recipe.suite}; up to 1.3 GB and a minute or two)")
        command = [
            *("mmdebstrap", "--quiet", "--variant=minbase"),
            "--aptopt=Acquire::Check-Valid-Until false",  # Mirrors of unstable lag behind their date.
            f"--include={','.join(recipe.packages)}",
            *(recipe.suite, str(part)),
        ]
        _own_mounts()
        try:
            if subprocess.run(command, stdout=sys.stderr).returncode:
                raise RootError(f"mmdebstrap could not make {folder}; see its output above.")
            if not (part / recipe.program).exists():
                raise RootError(f"Debian {recipe.suite} brought no {recipe.program} any more.")
            with contextlib.suppress(FileExistsError):  # Blender complains at every start without it.
                (part / "etc" / "mtab").symlink_to("../proc/self/mounts")
            (part / MARKER).write_text(f"{name}\n")
            part.rename(folder)
        finally:
            _remove(part)
    return folder


def enter(folder: Path, command: list[str], binds: list[str], variables: list[str]) -> NoReturn:
    """Become ``command`` inside the root folder: its output, signals and exit code are ours.

    binds: ``SRC:DST`` each. variables: ``NAME=VALUE`` each. The mounts are seen by this process and its
    children alone, so that the system takes them away when the last of them ends, however it ends.
    Raises RootError.
    """
    _require_root()
    folder = folder.resolve()
    if not (folder / MARKER).exists():
        raise RootError(f"{folder} is no finished root folder: make it first.")
    _own_mounts()
    for place in MOUNTED:
        _bind(folder, Path(place), place, "--rbind")
    for place in NETWORK_FILES:
        if (source := Path(place).resolve()).exists():
            _bind(folder, source, place, "--bind", "-o", "ro")
    _bind(folder, PROJECT, "/project", "--bind")
    for pair in binds:
        source, separator, place = pair.partition(":")
        if not separator or not place.startswith("/") or not Path(source).exists():
            raise RootError(f"--bind {pair} is not SRC:DST with a SRC that exists and a DST from /.")
        _bind(folder, Path(source).resolve(), place, "--rbind")
    environment = {
        **ENVIRONMENT,
        **{name: os.environ[name] for name in NETWORK_VARIABLES if name in os.environ},
    }
    environment |= dict(pair.split("=", 1) for pair in variables if "=" in pair)
    os.chroot(folder)
    os.chdir("/project")
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        raise RootError(f"{command[0]} does not start in {folder}: {error.strerror}.") from error


def _bind(folder: Path, source: Path, place: str, *options: str) -> None:
    # Links inside the root are followed as the root sees them, so that no mount lands outside of it.
    target = folder.joinpath(*Path(place).parts[1:])
    if target.is_symlink() or ".." in Path(place).parts:
        raise RootError(f"{place} is a link in {folder}: bind to another place.")
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    if subprocess.run(["mount", *options, str(source), str(target)]).returncode:
        raise RootError(f"{source} cannot be mounted at {target}; see mount's output above.")


def _own_mounts() -> None:
    """From here on, mounts of this process are visible only to it and its children."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNS):
        raise RootError(f"No private mounts: {os.strerror(ctypes.get_errno())}.")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def _remove(folder: Path) -> None:
    """Delete a root folder; never through a mount that was left in it."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    if inside := [line.split()[4] for line in mounts if line.split()[4].startswith(f"{folder}/")]:
        raise RootError(f"{inside[0]} is mounted: take it away with umount, then start again.")
    if folder.exists():
        shutil.rmtree(folder)


def _require_root() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise RootError("Root folders need Linux and root (sudo).")


def _require_mmdebstrap() -> None:
    if shutil.which("mmdebstrap"):
        return
    apt = shutil.which("apt-get")
    if apt is None:
        raise RootError("mmdebstrap is missing: install it.")
    say("Installing mmdebstrap")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    patient = ("-o", "DPkg::Lock::Timeout=300")  # Something else may be installing packages.
    subprocess.run([apt, *patient, "update", "-qq"], stdout=sys.stderr, env=quiet)
    install = [apt, *patient, "install", "-y", "-qq", "--no-install-recommends", "mmdebstrap"]
    if subprocess.run(install, stdout=sys.stderr, env=quiet).returncode:
        raise RootError("mmdebstrap could not be installed; see apt-get's output above.")


def main(arguments: list[str]) -> int:
    """Run the command of the arguments; the exit code. ``run`` ends with that of its command."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.real_blender", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="make a root folder, or keep the good one")
    making.add_argument("name", choices=RECIPES)
    making.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="default: in the user's cache")
    running = commands.add_parser("run", help="become a command inside a root folder")
    running.add_argument("folder", metavar="DIR", help=f"a root folder, or one of {', '.join(RECIPES)}")
    running.add_argument("--bind", action="append", default=[], metavar="SRC:DST")
    running.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    before, separator, inside = _split(arguments)
    options = parser.parse_args(before)
    try:
        if options.command == "make":
            print(make(options.name, options.folder or default_folder(options.name)))
            return 0
        if not separator or not inside:
            parser.error("say -- and the command")
        folder = default_folder(options.folder) if options.folder in RECIPES else Path(options.folder)
        enter(folder, inside, options.bind, options.env)
    except RootError as error:
        say(str(error))
        return 3


def _split(arguments: list[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in arguments:
        return arguments, False, []
    place = arguments.index("--")
    return arguments[:place], True, arguments[place + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
