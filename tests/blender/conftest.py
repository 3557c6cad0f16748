# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the repository root as the package ``photoreal_set``, as Blender does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line.bootstrap import load_package
from tests.fal_emulator.process import RunningEmulator, start_emulator

load_package()


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOREAL_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def emulator():
    server = start_emulator()
    yield server
    server.close()


@pytest.fixture
def fresh_emulator(emulator: RunningEmulator):
    """The emulator with an empty ledger."""
    emulator.control(reset=True)
    return emulator


@pytest.fixture
def scene():
    """An empty Blender file in this process."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


@pytest.fixture
def extension(scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The extension registered, in a file with a cube; with a separate, empty ledger."""
    import bpy

    import photoreal_set

    monkeypatch.setenv("PHOTOREAL_HOME", str(tmp_path / "home"))
    photoreal_set.register()
    bpy.ops.mesh.primitive_cube_add(size=0.4)
    yield bpy.context.scene
    photoreal_set.unregister()


@pytest.fixture(scope="session")
def block_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The textured block as a GLB on disk."""
    from tests.blender.products import textured_block

    return textured_block().write(tmp_path_factory.mktemp("product") / "Enamel Block.glb")
