# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Blenders with a window: root folders with Debian's 4.3 and 5.2, made when they are absent.

PHOTOREAL_ROOTS names the folder that holds the root folders (default: the user's cache), PHOTOREAL_PICTURES
the one that screenshots are kept in.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fal_emulator.process import RunningEmulator, start_emulator
from tests.window.desktop import ROOT, Desktop

pytest.register_assert_rewrite("tests.window.artist_session")
# The recipes of the root folders, and the Blender that each contains.
BLENDERS = {"trixie": "4.3", "sid": "5.2"}
MAKING_SECONDS = 900.0


@pytest.hookimpl
def pytest_collection_finish(session: pytest.Session) -> None:
    """Make the root folders of the collected tests while tests before them run."""
    wanted = {
        item.module.RECIPE
        for item in session.items
        if hasattr(item, "module") and hasattr(item.module, "RECIPE")
    }
    is_first = getattr(session.config, "workerinput", {}).get("workerid", "gw0") == "gw0"
    if is_first and can_make_roots() and not session.config.option.collectonly:
        for name in sorted(wanted):
            making = subprocess.Popen(
                make_command(name), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            session.config.add_cleanup(making.terminate)


def can_make_roots() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def make_command(name: str) -> list[str]:
    home = os.environ.get("PHOTOREAL_ROOTS", "")
    command = [sys.executable, "-m", "tools.real_blender", "make", name]
    return [*command, str(Path(home) / name)] if home else command


def root_folder(name: str) -> Path:
    """The root folder of a recipe, made when it is absent; skips where none can be made."""
    if not can_make_roots():
        pytest.skip("a window test needs Linux and root, for a root folder with a real Blender")
    try:
        done = subprocess.run(
            make_command(name), cwd=ROOT, capture_output=True, text=True, timeout=MAKING_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"making a root folder with Debian {name} took too long")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"no root folder with Debian {name} can be made here: {last}")
    return Path(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def zip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as users get it."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "tools.build", "--platform", "linux-x64", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (out / "index.json").is_file()
    return next(out.glob("*.zip"))


@pytest.fixture(scope="session")
def jar_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product of the demo, made in a process that does not wait for Blender to exit, because that may hang."""
    path = tmp_path_factory.mktemp("products") / "jar.glb"
    code = (
        "import os, sys; from pathlib import Path; from command_line.bootstrap import load_package; load_package();"
        "from photoreal_set.studio.sample import build_sample; build_sample(Path(sys.argv[1])); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True)
    assert path.is_file(), done.stdout + done.stderr
    return path


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    server = start_emulator()
    yield server
    server.close()


@pytest.fixture(scope="module")
def desktop(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    zip_file: Path,
    jar_file: Path,
    emulator: RunningEmulator,
) -> Iterator[Desktop]:
    """An empty screen, the zip and a product in its folder, and an empty ledger."""
    emulator.control(reset=True)
    recipe: str = request.module.RECIPE
    root = root_folder(recipe)
    folder = tmp_path_factory.mktemp(recipe)
    shutil.copyfile(zip_file, folder / "photoreal_set.zip")
    shutil.copyfile(jar_file, folder / "Tea Jar.glb")
    screen = Desktop(root, folder, name=f"blender-{BLENDERS[recipe]}")
    yield screen
    screen.close()
    if kept := os.environ.get("PHOTOREAL_PICTURES", ""):
        Path(kept).mkdir(parents=True, exist_ok=True)
        for file in (*folder.glob("pictures/*"), *folder.glob("blender.log")):
            shutil.copyfile(file, Path(kept) / (file.name if file.suffix != ".log" else f"{screen.name}.log"))
