# SPDX-License-Identifier: GPL-3.0-or-later
"""What new users get wrong at a terminal ends with one sentence that says what to do."""

import errno
import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from photoreal_set.command_line import main as cli
from photoreal_set.command_line.argument_types import place
from photoreal_set.fal_bridge.jobs import Kind
from photoreal_set.messages.errors import machine_error
from photoreal_set.photo_set.choices import LANCZOS, Fidelity
from photoreal_set.photo_set.unused_options import unused_members
from tests.blender.products import textured_block
from tests.told import events_in

FREE = ("--engine", "cycles")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
DEAD = "http://127.0.0.1:9"


class Told:
    """A command that was run in a folder with a model and a photo, without a key."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self._capsys = capsys
        textured_block().write(folder / "pot.glb")
        Image.new("RGB", (300, 300), (200, 40, 90)).save(folder / "front.png")
        monkeypatch.chdir(folder)
        monkeypatch.setenv("PHOTOREAL_HOME", str(folder / "home"))
        for name in ("FAL_KEY", "FAL_KEY_FILE"):
            monkeypatch.delenv(name, raising=False)
        self.output = ""
        self.error = ""

    def run(self, *arguments: str) -> int:
        output = io.StringIO()
        code = cli.main(list(arguments), output)
        self.output, self.error = output.getvalue(), self._capsys.readouterr().err
        return code

    @property
    def warnings(self) -> list[str]:
        return [event["text"] for event in events_in(self.output) if event["event"] == "warning"]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(tmp_path, monkeypatch, capsys)


def test_printed_paths_have_no_dots_unless_they_follow_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "shop" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "shop" / "deep", target_is_directory=True)
    monkeypatch.chdir(tmp_path / "shop" / "deep")
    assert place("../sets/mug") == tmp_path / "shop" / "sets" / "mug"
    assert place("sets/mug") == Path("sets/mug")
    assert place(f"{tmp_path}/link/../mug").resolve() == tmp_path / "shop" / "mug"


def test_without_a_command_the_commands_are_listed(told: Told):
    assert told.run() == 1
    assert told.output == ""
    assert "make the set of one product" in told.error and "Error:" not in told.error


@pytest.mark.parametrize(
    ("source", "made_from"), [(("front.png",), "photos"), (("--text", "a red mug"), "a text")]
)
def test_a_generated_model_without_a_key_is_refused_in_one_sentence(told: Told, source, made_from):
    assert told.run("set", *source, "--out", "out") == 1
    assert told.output == ""
    assert told.error.startswith(f"Error: A 3D model from {made_from} is made by fal.ai, which needs a key")


@pytest.mark.parametrize(
    "arguments", [("pot.glb", "--out", ""), ("", "--out", "out"), ("pot.glb", "--out", "  ")]
)
def test_an_empty_name_is_not_the_current_folder(told: Told, arguments):
    assert told.run("set", *arguments) == 1
    assert "does not name a file" in told.error and "is a folder" not in told.error


def test_a_name_that_is_too_long_can_be_shortened_by_the_user(told: Told):
    assert told.run("set", "pot.glb", "--out", "a" * 300, *FREE) == 1
    assert "File name too long" in told.error and "permissions" not in told.error
    error = machine_error(OSError(errno.ENAMETOOLONG, "File name too long", "a" * 300))
    assert error.exit_code == 1 and error.hint == "Choose a shorter one."


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--prompt", "sunny"), ["--prompt"]),
        (("--look", "glass", "--max-cost", "3"), ["--look", "--max-cost"]),
        (("--seed", "4", "--expiration", "keep"), ["--seed", "--expiration"]),
        (("--photo-endpoint", "fal-ai/flux-2/edit"), ["--photo-endpoint"]),
        (("--fidelity", "report", "--retries", "3"), ["--fidelity", "--retries"]),
        ((), []),
    ],
)
def test_an_option_that_changes_nothing_is_named(told: Told, options, named):
    assert told.run("estimate", "pot.glb", *FREE, *options, "--json") == 0
    texts = told.warnings
    assert len(texts) == bool(named)
    assert all(text.endswith(f": {', '.join(named)}.") for text in texts)


@pytest.mark.parametrize(
    ("chosen", "unused"),
    [
        ({"upscale_endpoint": LANCZOS, "photo_size": 2048}, []),
        ({"upscale_endpoint": LANCZOS}, ["upscale_endpoint"]),
        ({"fidelity": Fidelity.REPORT, "retries": 3}, ["retries"]),
        ({"retries": 3}, []),
    ],
)
def test_an_option_may_need_another_one(chosen: dict, unused: list[str]):
    assert unused_members(chosen, {Kind.PHOTO}) == unused


def test_an_option_that_changes_nothing_for_a_catalogue_is_named(told: Told):
    Path("shop.csv").write_text("sku,source\na,pot.glb\nb,pot.glb\n")
    given = ("--prompt", "sunny", "--seed", "4", "--max-cost", "3")
    assert told.run("estimate", "shop.csv", *FREE, *given, "--json") == 0
    (text,) = told.warnings
    assert text == (
        "No effect on this catalogue, because fal.ai makes nothing of it that uses them: --prompt, --seed, --max-cost."
    )
    assert told.run("estimate", "shop.csv", *FREE, "--json") == 0
    assert told.warnings == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_lost_output_is_reported_in_a_sentence():
    command = [sys.executable, str(ROOT / "batch.py"), "--version"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    assert done.returncode == 3
    assert done.stderr == (
        "Error: Some of the output is lost (No space left on device). Free space, or send it elsewhere.\n"
    )


def test_the_first_photo_is_not_shown_to_cycles(told: Told):
    assert told.run("estimate", "pot.glb", *FREE, "--with-hero") == 1
    assert "Cycles makes these photos" in told.error


def test_prices_that_cannot_be_fetched_are_the_machines_problem_and_named_once(told: Told):
    options = ("pot.glb", "--engine", "fal", "--fal-url", DEAD)
    assert told.run("set", *options, "--out", "out") == 3
    assert "the emulator could not be reached" in told.error and "Check that it runs" in told.error
    assert not (Path("out") / "set.json").exists()
    assert told.run("estimate", *options) == 0
    table = [line for line in told.output.splitlines() if "[" not in line]
    assert max(map(len, table)) <= 120
    assert "total" in told.output and "$0.00" not in told.output


def test_help_and_reference_name_the_same_defaults(told: Told):
    assert told.run("set", "--help") == 0
    for text in ("(default: 1024)", "(default: white)", "(default: fal if a key is set"):
        assert text in " ".join(told.output.split())


@pytest.mark.parametrize(
    ("given", "hint"), [("sett", "Did you mean set?"), ("fly", "The commands are demo, set")]
)
def test_an_unknown_command_is_answered_with_the_nearest_one(told: Told, given: str, hint: str):
    assert told.run(given) == 1
    assert hint in told.error and "render-worker" not in told.error


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (("set", "a.glb", "--qualty", "draft"), "'--qualty' is not an option of set. Did you mean --quality? See batch.py set"),
        (("set", "a.glb", "--max-cots=3"), "'--max-cots' is not an option of set. Did you mean --max-cost?"),
        (("set", "a.glb", "--engin", "cycles"), "'--engin' is not an option of set. Did you mean --engine?"),
        (("set", "a.glb", "--res=512"), "'--res' is not an option of set. Did you mean --resolution?"),
        (("estimate", "--zzz"), "'--zzz' is not an option of estimate. See batch.py estimate --help."),
        (("resume", "a", "b"), "'b' is one argument too many. See batch.py resume --help."),
        (("set", "-pot.glb"), "'-pot.glb' is taken for an option. Name the file as ./-pot.glb."),
    ],
)  # fmt: skip
def test_an_unknown_argument_is_named_with_what_may_be_meant(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], answer: str
):
    monkeypatch.chdir(tmp_path)
    Path("-pot.glb").touch()
    assert told.run(*given, "--out", "out") == 1
    assert answer in told.error


@pytest.mark.parametrize("name", ["pot.glb", "front.png"])
def test_one_product_is_not_a_catalogue(told: Told, name: str):
    assert told.run("catalogue", name, "--out", "out", *FREE) == 1
    assert f"{name} is not a table" in told.error and "`set`" in told.error
