# SPDX-License-Identifier: GPL-3.0-or-later
"""The first start reports what is missing, and installs only locked versions."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import bootstrap

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = " ".join(bootstrap.PACKAGES)
LOCKS = [f"{kind}-py{python}.txt" for kind in ("run", "dev") for python in ("311", "313")]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="starts shell scripts")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that the first start needs, in a copy: the repository is not changed."""
    root = tmp_path / "a clone"
    for name in (
        "batch.py",
        "processes/fal_keys.py",
        "processes/blender_program.py",
        "files/lock.py",
        "command_line/bootstrap.py",
        "command_line/environment.py",
        "command_line/installing.py",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "requirements", root / "requirements")
    return root


def start(
    clone: Path, *, before: str = "", command: str = "demo", **environment: str
) -> subprocess.CompletedProcess[str]:
    """``batch.py`` in a Python without packages and an empty PATH; ``before`` runs first in it."""
    code = f"import sys\n{before}\nimport runpy\nsys.argv[:] = ['batch.py', {command!r}]\nrunpy.run_path('batch.py', run_name='__main__')"
    paths = {"PATH": str(clone / "programs"), "XDG_CACHE_HOME": str(clone / "cache"), "HOME": str(clone)}
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=clone,
        env={**paths, **environment},
        capture_output=True,
        text=True,
    )


def program(clone: Path, name: str, script: str) -> Path:
    path = clone / "programs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def blender(clone: Path, name: str, version: str, packages: str = "") -> Path:
    """A program that responds like a Blender of that version whose Python has ``packages``."""
    path = program(clone, name, "")
    for package in packages.split():
        (clone / "site" / package).mkdir(parents=True)
        (clone / "site" / package / "__init__.py").touch()
    path.write_text(f"""#!{sys.executable} -IS
import os, sys, types
bpy = sys.modules["bpy"] = types.ModuleType("bpy")
bpy.app = types.SimpleNamespace(version={tuple(map(int, version.split(".")))}, binary_path=__file__)
bpy.utils = types.SimpleNamespace(user_resource=lambda *_a, **_k: {str(clone / "extensions")!r})
sys.path.append({str(clone / "site")!r})
with open(__file__ + ".keys", "a") as log:
    log.write(os.environ.get("FAL_KEY", "none") + "\\n")
with open(__file__ + ".log", "a") as log:
    log.write("asked\\n" if "--python-expr" in sys.argv else "started\\n")
if "--python-expr" in sys.argv:
    exec(sys.argv[sys.argv.index("--python-expr") + 1])
else:
    print("a Blender's chatter")
    with open(int(os.environ["PHOTOREAL_OUTPUT"]), "w") as output:
        print(*sys.argv[1:], sep="\\n", file=output)
""")
    return path


def assert_is_one_sentence(done: subprocess.CompletedProcess[str], *message: str) -> None:
    assert done.returncode == 3
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("[photoreal-set] ")
    assert lines[0].endswith(".")
    assert all(word in lines[0] for word in message), lines[0]


def test_a_missing_named_blender_is_reported(clone: Path):
    done = start(clone, BLENDER=str(clone / "no-blender"))
    assert_is_one_sentence(done, "BLENDER", "no-blender", "not a program")


@POSIX
@pytest.mark.parametrize("code", [0, 1])
def test_a_named_program_that_is_not_blender_is_reported(clone: Path, code: int):
    done = start(clone, BLENDER=str(program(clone, "my blender", f"exit {code}")))
    assert_is_one_sentence(done, "The Blender named by BLENDER cannot be used", "does not answer")


@POSIX
def test_a_named_blender_that_is_too_old_is_reported(clone: Path):
    done = start(clone, BLENDER=str(blender(clone, "blender-4.2", "4.2.1", PACKAGES)))
    assert_is_one_sentence(done, "The Blender named by BLENDER cannot be used", "4.2.1", "4.3")


@POSIX
def test_a_named_blender_without_packages_says_how_to_install_them(clone: Path):
    done = start(clone, BLENDER=str(blender(clone, "blender-4.5", "4.5.0", "numpy PIL")))
    assert done.returncode == 3
    assert "lacks httpx, fal_client" in done.stderr
    assert "pip install --target" in done.stderr
    assert "Traceback" not in done.stderr


@POSIX
def test_a_suitable_blender_runs_the_command_and_is_probed_once(clone: Path):
    path = blender(clone, "blender", "4.5.0", PACKAGES)
    for _turn in range(2):
        done = start(clone)
        assert done.returncode == 0, done.stderr
        given = done.stdout.splitlines()
        assert given[:3] == ["-b", "--python-exit-code", "3"]
        assert given[-2:] == ["--", "demo"]
    assert Path(f"{path}.log").read_text() == "asked\nstarted\nstarted\n"


@POSIX
def test_a_changed_blender_is_probed_again(clone: Path):
    path = blender(clone, "blender", "4.5.0", PACKAGES)
    start(clone)
    os.utime(path, (1, 1))
    start(clone)
    assert Path(f"{path}.log").read_text() == "asked\nstarted\n" * 2


@POSIX
@pytest.mark.parametrize(("command", "has_key"), [("demo", False), ("doctor", True)])
def test_a_blender_gets_the_key_only_for_a_command_that_may_need_it(clone: Path, command: str, has_key: bool):
    path = blender(clone, "blender", "4.5.0", PACKAGES)
    start(clone, command=command, FAL_KEY="identifier:secret")
    asked, started = Path(f"{path}.keys").read_text().splitlines()
    assert (asked, started) == ("none", "identifier:secret" if has_key else "none")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["--version"]])
def test_the_list_of_commands_and_the_version_install_nothing(clone: Path, arguments: list[str]):
    for name in ("command_line", "files", "messages", "optics", "photo_set", "processes"):
        shutil.copytree(ROOT / name, clone / name, dirs_exist_ok=True)
    shutil.copy(ROOT / "__init__.py", clone)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "batch.py", *arguments], cwd=clone, capture_output=True, text=True
    )
    assert "Installing" not in done.stderr
    assert not (clone / ".venv").exists()
    if arguments:
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Photoreal Set " if arguments == ["--version"] else "usage: batch.py ")
    else:
        assert (done.returncode, done.stdout) == (1, "")
        assert "catalogue" in done.stderr


UNFIT = """
class Version(tuple):
    major, minor, micro = 3, 12, 1
sys.version_info = Version((3, 12, 1, 'final', 0))
"""


def test_an_unsuitable_python_lists_the_supported_versions(clone: Path):
    done = start(clone, before=UNFIT)
    assert_is_one_sentence(done, "3.11", "3.13", "3.12", "uv", "BLENDER")
    assert not (clone / ".venv").exists()


@POSIX
def test_an_unsuitable_blender_on_the_path_is_skipped_with_the_reason(clone: Path):
    program(clone, "blender", "exit 1")
    lines = start(clone, before=UNFIT).stderr.strip().splitlines()
    assert len(lines) == 2
    assert "Passing over" in lines[0]
    assert "install one of them" in lines[1]


def test_the_missing_packages_message_says_how_to_install_them():
    said = bootstrap.missing_packages_sentence(["httpx", "PIL"])
    assert "lacks httpx, PIL" in said
    assert "pip install --target" in said
    assert "httpx==" in said
    assert "\n" not in said


def test_every_system_library_maps_to_a_package():
    for library, package in bootstrap.environment.DEBIAN_PACKAGES.items():
        assert re.fullmatch(r"lib[\w+]+\.so\.\d+", library)
        assert re.fullmatch(r"lib[a-z0-9+-]+", package)
        assert package in bootstrap.environment._debian_packages(library) or package == "libegl1"


def test_an_unknown_system_library_is_named():
    with pytest.raises(bootstrap.BootstrapError, match=r"libfoo\.so\.1") as fault:
        bootstrap.environment._debian_packages("libfoo.so.1")
    assert str(fault.value).endswith(".")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the list is for Linux")
def test_every_system_library_of_bpy_is_listed_or_part_of_every_linux():
    import importlib.util

    found = importlib.util.find_spec("bpy")
    if found is None or found.origin is None or shutil.which("readelf") is None:
        pytest.skip("needs the bpy wheel and readelf")
    folder = Path(found.origin).parent
    own = {path.name for path in folder.rglob("*.so*")} | {
        path.name for path in folder.parent.glob("bpy.libs/*")
    }
    described = subprocess.run(["readelf", "-d", found.origin], capture_output=True, text=True).stdout
    needed = set(re.findall(r"NEEDED.*\[(.+?)\]", described))
    everywhere = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread|util|gcc_s|stdc\+\+|python3.*))\.so.*")
    unknown = {name for name in needed - own if not everywhere.fullmatch(name)}
    assert unknown <= set(bootstrap.environment.DEBIAN_PACKAGES)


@pytest.mark.parametrize("name", LOCKS)
def test_requirements_are_locked_by_version_and_hash_without_a_server(name: str):
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)", text, re.M)
    entries = [
        entry
        for entry in re.sub(r"\s*\\\n\s*", " ", text).splitlines()
        if entry.strip() and not entry.lstrip().startswith("#")
    ]
    for entry in entries:
        assert re.fullmatch(r"[\w.\[\],-]+==[\w.]+( ;[^-]+)?( --hash=sha256:[0-9a-f]{64})+( *#.*)?", entry), (
            entry
        )
    packages = {entry.split("==")[0].lower() for entry in entries}
    assert {"bpy", "numpy", "pillow", "httpx", "fal-client"} <= packages
    if name.startswith("dev"):
        assert {"pytest", "aiohttp", "av"} <= packages


@pytest.mark.parametrize("python", ["311", "313"])
def test_tests_run_with_the_versions_that_users_install(python: str):
    def versions(kind: str) -> set[str]:
        text = (ROOT / "requirements" / f"{kind}-py{python}.txt").read_text(encoding="utf-8")
        return set(re.findall(r"^[\w.\[\]-]+==[\w.]+", text, re.M))

    assert versions("run") <= versions("dev")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts the threads in Linux's /proc")
def test_numpy_starts_no_threads_beside_those_of_cycles():
    code = (
        "import os; from command_line import bootstrap; import numpy as np;"
        "np.ones((500, 500)) @ np.ones((500, 500)); print(len(os.listdir('/proc/self/task')))"
    )
    without = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=without, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
