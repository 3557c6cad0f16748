# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering on a graphics card. No machine of ours has one: the lists of devices are pretended, the rest is real."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from photoreal_set.files.home import VARIABLE
from photoreal_set.messages import events
from photoreal_set.messages.errors import InputError
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.sizes import square
from photoreal_set.studio import compat, kernels, machine
from photoreal_set.studio.machine import Card
from photoreal_set.studio.quality import FINAL, REFERENCE
from photoreal_set.studio.session import Session
from tests.patience import until


class Preferences:
    """The preferences of Cycles on a machine with these devices."""

    def __init__(self, *devices: tuple[str, str]) -> None:
        self.compute_device_type = "NONE"
        self.devices = [SimpleNamespace(type=kind, name=name, use=False) for kind, name in devices]

    def refresh_devices(self) -> None:
        for device in self.devices:
            device.use = False

    def used(self) -> list[str]:
        return [device.name for device in self.devices if device.use]


TWO_CARDS = (("OPTIX", "RTX A"), ("OPTIX", "RTX B"), ("CUDA", "RTX A"), ("CUDA", "RTX B"), ("CPU", "Xeon"))


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "home"))

    def devices(*found: tuple[str, str]) -> Preferences:
        preferences = Preferences(*found)
        monkeypatch.setattr(machine, "_preferences", lambda: preferences)
        return preferences

    return devices


def as_compiled(card: Card, *, denoises: bool = True) -> None:
    """Write the marker that compiling the kernels of ``card`` leaves."""
    marker = kernels._marker(card)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps({"denoises": denoises}))


OPTIX = Card(backend="optix", names=("RTX A", "RTX B"))
CUDA = Card(backend="cuda", names=("RTX A", "RTX B"))


def test_several_cards_render_and_denoise_together_and_the_processor_does_not(
    pretend, scene, block_file: Path
):
    preferences = pretend(*TWO_CARDS)
    session = Session(scene, block_file, resolution=square(64), device="auto")
    session.pose(ANGLES["front"], FINAL)
    assert preferences.compute_device_type == "OPTIX"
    assert preferences.used() == ["RTX A", "RTX B"]
    assert session.device == scene.cycles.device == "GPU"
    assert scene.cycles.use_denoising and scene.cycles.denoising_use_gpu


def test_the_denoiser_stays_on_the_processor_without_a_card(pretend, scene, block_file: Path):
    pretend(("CPU", "Xeon"))
    session = Session(scene, block_file, resolution=square(64), device="auto")
    session.pose(ANGLES["front"], REFERENCE)
    assert scene.cycles.device == "CPU"
    assert scene.cycles.use_denoising and not scene.cycles.denoising_use_gpu


def test_a_card_that_was_seen_not_to_denoise_only_renders(pretend, scene, block_file: Path):
    pretend(*TWO_CARDS)
    as_compiled(OPTIX, denoises=False)
    told: list[events.Event] = []
    assert kernels.ready_device("auto", told.append) == "optix"
    assert [type(event) for event in told] == [events.Warning]
    session = Session(scene, block_file, resolution=square(64), device="optix")
    session.pose(ANGLES["front"], REFERENCE)
    assert scene.cycles.device == "GPU"
    assert not scene.cycles.denoising_use_gpu


def test_compiled_kernels_are_not_compiled_again(pretend):
    pretend(*TWO_CARDS)
    as_compiled(OPTIX)
    told: list[events.Event] = []
    assert kernels.ready_device("auto", told.append) == "optix"
    assert told == []


def test_another_driver_compiles_again(pretend, monkeypatch: pytest.MonkeyPatch):
    as_compiled(OPTIX)
    assert kernels.kernels_of(OPTIX) == kernels.Kernels(denoises=True)
    monkeypatch.setattr(kernels, "_driver", lambda: "another")
    assert kernels.kernels_of(OPTIX) is None


def test_a_damaged_marker_counts_as_none(pretend):
    as_compiled(OPTIX)
    kernels._marker(OPTIX).write_text('{"denoises": 3}')
    assert kernels.kernels_of(OPTIX) is None


def test_cards_that_do_not_work_are_warned_of_and_the_processor_renders(pretend):
    """The child is real: it finds none of the pretended cards."""
    preferences = pretend(*TWO_CARDS)
    told: list[events.Event] = []
    assert kernels.ready_device("optix", told.append) == "cpu"
    texts = [str(event.text) for event in told]
    assert "15 minutes" in texts[0]
    assert "cannot render on RTX A, RTX B (optix)" in texts[1]
    log = Path(texts[1].rpartition(" ")[2].removesuffix("."))
    assert "Cycles finds no optix device on this machine" in log.read_text()
    assert "rendering on the CPU" in texts[2]
    assert preferences.compute_device_type == "NONE"


def test_the_next_back_end_is_used_when_the_best_one_does_not_work(pretend, monkeypatch: pytest.MonkeyPatch):
    pretend(*TWO_CARDS)
    as_compiled(CUDA)
    monkeypatch.setattr(kernels, "BATCH", Path("missing.py"))  # So that the child for OptiX ends at once.
    told: list[events.Event] = []
    assert kernels.ready_device("auto", told.append) == "cuda"
    assert [type(event) for event in told] == [events.Note, events.Warning]


def test_a_back_end_without_a_device_is_refused_with_a_hint(pretend):
    pretend(*TWO_CARDS)
    with pytest.raises(InputError, match="no hip device"):
        kernels.ready_device("hip", lambda event: None)


def test_stopping_a_run_leaves_the_compiling_process_alone(
    pretend, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    pretend(*TWO_CARDS)
    marker = kernels._marker(OPTIX)
    slow = tmp_path / "slow.py"  # Stands for a driver that compiles until a file appears.
    slow.write_text(
        "import pathlib, time\n"
        f"while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.05)\n"
        f"pathlib.Path({str(marker)!r}).write_text('{{\"denoises\": true}}')\n"
    )
    monkeypatch.setattr(kernels, "BATCH", slow)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kernels.ready_device("optix", lambda event: None, stop)
    (tmp_path / "go").touch()
    until(lambda: kernels.kernels_of(OPTIX) is not None)


def test_kernels_are_compiled_by_a_real_render_under_a_lock(pretend):
    """Cycles renders on the processor, because there is no card: its ``device`` is then without effect."""
    pretend(*TWO_CARDS)
    before = len(bpy.data.scenes)
    kernels.compile_here("optix")
    assert kernels.kernels_of(OPTIX) == kernels.Kernels(denoises=True)
    marker = kernels._marker(OPTIX)
    assert marker.with_suffix(".lock").exists()
    kept = marker.stat().st_mtime_ns
    kernels.compile_here("optix")
    assert marker.stat().st_mtime_ns == kept
    assert len(bpy.data.scenes) == before


def test_doctor_says_what_the_first_render_waits_for(tmp_path: Path):
    command = [sys.executable, "batch.py", "doctor", "--warm-up", "--device", "cpu", "--json"]
    home = {**os.environ, VARIABLE: str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert "kernels" not in {record.get("name") for record in records}, "a processor needs none"


def test_denoisers_of_builds_without_open_image_denoise(scene):
    assert compat.set_denoiser(scene, "fast", on_card=True)
    assert scene.cycles.denoiser == "OPENIMAGEDENOISE", "the same pictures on every device"
