# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in farm/ work with the engines that can run in a test."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.catalogue_desk import Desk
from tests.fal_emulator.process import RunningEmulator
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "farm" / "openjd" / "template.yaml"
JOB_TYPE = ROOT / "farm" / "flamenco" / "photoreal_catalogue.js"
SECRET = "5c1f7f0e-key-of-a-farm:fedcba98765432100123"

# What Flamenco's Manager passes to a job type.
FLAMENCO = """
const tasks = [];
globalThis.author = {
  Task: (name, type) => ({ name, type, commands: [], needs: [],
    addCommand(command) { this.commands.push(command); },
    addDependency(task) { this.needs.push(task.name); } }),
  Command: (name, parameters) => ({ name, parameters }),
};
globalThis.frameChunker = (text, size) => {
  const rows = [];
  for (const part of text.split(",")) {
    const [first, last] = part.split("-").map(Number);
    for (let row = first; row <= (last || first); row++) rows.push(row);
  }
  const chunks = [];
  for (let at = 0; at < rows.length; at += size) {
    const some = rows.slice(at, at + size);
    chunks.push(some.length > 1 ? `${some[0]}-${some[some.length - 1]}` : `${some[0]}`);
  }
  return chunks;
};
const source = require("fs").readFileSync(process.argv[2], "utf8");
const made = new Function(source + "\\nreturn { JOB_TYPE, compileJob };")();
const settings = {};
for (const setting of made.JOB_TYPE.settings) settings[setting.key] = setting.default;
Object.assign(settings, JSON.parse(process.argv[3]));
made.compileJob({ settings, addTask: (task) => tasks.push(task) });
console.log(JSON.stringify({ job: made.JOB_TYPE, tasks }));
"""


@pytest.fixture
def desk(emulator: RunningEmulator, tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "shop", emulator)
    rows: list[dict[str, object]] = [
        {"sku": f"lamp-{number}", "source": desk.model(f"{number}.glb", number)} for number in range(4)
    ]
    rows.append({"sku": "mug", "text": "a red mug"})
    desk.table(*({**row, "angles": "front", "video": "none"} for row in rows))
    return desk


@pytest.fixture
def sha256(desk: Desk) -> str:
    run = desk.make("--engine", "fal", "--freeze")
    return str(next(event["sha256"] for event in run.events if event["event"] == "frozen"))


def openjd(*arguments: object) -> "subprocess.CompletedProcess[str]":
    pytest.importorskip("openjd.cli", reason="needs the package openjd-cli")
    command = [
        sys.executable,
        "-c",
        "import sys; from openjd.cli import main; sys.exit(main())",
        *map(str, arguments),
    ]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)


def test_the_openjd_template_is_valid():
    done = openjd("check", TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_openjd_makes_a_catalogue_without_leaking_the_key(
    desk: Desk, sha256: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    key = tmp_path / "key"
    key.write_text(SECRET)
    monkeypatch.setenv("FAL_KEY_FILE", str(key))
    monkeypatch.delenv("FAL_KEY", raising=False)
    batch = tmp_path / "batch.py"  # The command line with the substitute for Blender, by any path.
    batch.write_text(
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "sys.argv[0] = 'batch.py'\n"
        "runpy.run_module('tests.catalogue_desk', run_name='__main__')\n"
    )
    parameters = {
        "Catalogue": desk.out,
        "Sha256": sha256,
        "Rows": "1-5",
        "RowsPerTask": 2,
        "Batch": batch,
        "Python": sys.executable,
    }
    named = [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]
    done = openjd("run", TEMPLATE, *named, "--step", "Report", "--run-dependencies")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-4000:]
    assert set(desk.states().values()) == {"done"} and len(desk.states()) == 5
    assert len(desk.emulator.ledger()) == 6
    for part in (SECRET, *SECRET.split(":")):
        assert part not in output
        for path in desk.folder.rglob("*"):
            assert not path.is_file() or part.encode() not in path.read_bytes(), path


def test_the_flamenco_job_type_compiles_to_the_right_tasks(tmp_path: Path):
    if not shutil.which("node"):
        pytest.skip("needs Node.js")
    (tmp_path / "manager.js").write_text(FLAMENCO)
    settings = {
        "catalogue": "/shared/autumn",
        "sha256": "0" * 64,
        "rows": "1-46",
        "rows_per_task": 20,
        "batch": "/opt/batch.py",
    }
    done = subprocess.run(
        ["node", str(tmp_path / "manager.js"), str(JOB_TYPE), json.dumps(settings)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    compiled = json.loads(done.stdout)
    tasks = {task["name"]: task for task in compiled["tasks"]}
    assert len(tasks) == 10
    assert tasks["render 21-40"]["needs"] == ["models 21-40"] and tasks["render 21-40"]["type"] == "blender"
    assert tasks["photos 41-46"]["needs"] == ["render 41-46"] and tasks["photos 41-46"]["type"] == "fal"
    assert tasks["report"]["needs"] == ["photos 1-20", "photos 21-40", "photos 41-46"]
    command = tasks["render 1-20"]["commands"][0]
    assert command["name"] == "exec" and command["parameters"]["exe"] == "python3"
    assert command["parameters"]["args"] == [
        *("/opt/batch.py", "resume", "/shared/autumn", "--stage", "render", "--rows", "1-20"),
        *("--sha256", "0" * 64, "--as-task"),
    ]
    assert not any("key" in setting["key"] for setting in compiled["job"]["settings"])


def test_every_command_in_farm_exists():
    """The options in files that cannot run in a test exist on the command line."""
    known = subprocess.run(
        [sys.executable, "batch.py", "resume", "--help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    files = [path for path in (ROOT / "farm").rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in (*files, ROOT / "docs" / "farm.md"):
        named = set(re.findall(r"--(?:rows|shard|stage|sha256|as-task)\b", path.read_text(encoding="utf-8")))
        assert all(option in known for option in named), path
    assert all(option in known for option in ("--rows", "--shard", "--stage", "--sha256", "--as-task"))


@pytest.mark.usefixtures("sha256")
def test_the_shards_of_an_array_job_cover_all_rows(desk: Desk):
    for index in range(2):
        process = desk.start(
            "resume",
            desk.out,
            "--shard",
            "auto/2",
            "--as-task",
            SLURM_ARRAY_TASK_ID=str(index + 1),
            SLURM_ARRAY_TASK_MIN="1",
        )
        process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0
    assert desk.report() == 0
    assert len(desk.emulator.ledger()) == 6


def test_the_cloud_stage_loads_without_blender(desk: Desk, sha256: str):
    desk.run("resume", desk.out, "--stage", "render", "--as-task")
    code = (
        "import sys\n"
        "sys.modules['bpy'] = None\n"  # From here on `import bpy` raises ImportError, and find_spec ValueError.
        "import importlib.util, runpy\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'bpy' else found(name, *more)\n"
        "sys.argv = ['batch.py', *sys.argv[1:]]\n"
        "runpy.run_path('batch.py', run_name='__main__')\n"
    )
    task = ("resume", desk.out, "--stage", "cloud", "--sha256", sha256, "--as-task")
    done = subprocess.run(
        [sys.executable, "-c", code, *desk.arguments(*task)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(desk.emulator.ledger()) == 5
