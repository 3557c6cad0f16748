# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue as a Slurm array on two real nodes, one of which dies in the middle of its work."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.catalogue_desk import ROOT, Desk
from tests.fal_emulator.process import FAST, running_emulator
from tests.patience import until
from tests.slurm import running_slurm, why_not

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "farm" / "slurm" / "catalogue.sbatch"


def test_a_failed_node_loses_no_product_and_pays_nothing_twice(tmp_path: Path):
    if reason := why_not():
        pytest.skip(reason)
    with running_emulator(delays={**FAST, "photo": 0.5}) as emulator:
        desk = Desk(tmp_path / "shop", emulator)
        desk.table(
            *(
                {"sku": f"lamp-{n}", "source": desk.model(f"{n}.glb", n), "angles": "front", "video": "none"}
                for n in range(8)
            )
        )
        run = desk.make("--engine", "fal", "--freeze")
        sha256 = next(event["sha256"] for event in run.events if event["event"] == "frozen")
        batch = tmp_path / "batch.py"
        batch.write_text(
            "import os, runpy, sys\n"
            f"os.environ['STUB_BLENDER_SECONDS'] = '4'\n"
            f"os.environ['PHOTOREAL_HOME'] = {str(tmp_path / 'home')!r}\n"
            f"sys.path.insert(0, {str(ROOT)!r})\n"
            f"os.chdir({str(ROOT)!r})\n"
            "runpy.run_module('tests.catalogue_desk', run_name='__main__')\n"
        )
        try:
            # Paths of its sockets must be short.
            with TemporaryDirectory() as slurm_folder, running_slurm(Path(slurm_folder)) as slurm:
                output = tmp_path / "task-%a.out"
                slurm.say(
                    *("sbatch", "--array=0-1", "--export=NIL", f"--chdir={tmp_path}", f"--output={output}"),
                    *(SCRIPT, desk.out, sha256, 2, batch, "all", sys.executable),
                )
                until(
                    lambda: _photographed(desk, range(0, 8, 2)) >= 1, "no product of the first node is done"
                )
                done_before = _photographed(desk, range(0, 8, 2))
                victim = slurm.say("squeue", "-h", "-r", "-t", "R", "-o", "%K %N").split()
                slurm.kill_node(dict(zip(victim[::2], victim[1::2], strict=True))["0"])
                until(lambda: not slurm.say("squeue", "-h").strip(), "the job does not end")
        except RuntimeError as error:
            pytest.skip(f"Slurm does not start here: {error}")
        assert done_before < 4, "it was killed too late to say anything"
        assert (tmp_path / "task-0.out").read_text().count("shop.csv: 4 products") == 2
        assert desk.report() == 0, desk.states()
        assert len(emulator.ledger()) == 8


def _photographed(desk: Desk, rows: range) -> int:
    return sum((desk.out / f"lamp-{row}/photos/front.png").is_file() for row in rows)
