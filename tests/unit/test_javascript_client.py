# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator works with fal.ai's official JavaScript client."""

import base64
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.fal_emulator.process import running_emulator
from tests.patience import PATIENCE_SECONDS

FOLDER = Path(__file__).resolve().parents[1] / "javascript"
INSTALL_SECONDS = 600
NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONN\w+|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET\w*")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="needs Node.js with npm"),
]


def test_the_lock_file_names_no_host():
    assert "http" not in (FOLDER / "package-lock.json").read_text()


def test_the_javascript_client_submits_follows_uploads_and_fetches(tmp_path):
    for name in ("package.json", "package-lock.json", ".npmrc", "wire.mjs"):
        shutil.copy(FOLDER / name, tmp_path)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    installed = subprocess.run(install, cwd=tmp_path, timeout=INSTALL_SECONDS, capture_output=True, text=True)
    if installed.returncode and (reason := NO_NETWORK.search(installed.stderr)):
        pytest.skip(f"npm cannot reach a registry: {reason[0]}")
    assert installed.returncode == 0, installed.stderr
    picture = io.BytesIO()
    Image.effect_noise((128, 128), 50).convert("RGB").save(picture, "PNG")
    with running_emulator() as emulator:
        command = ["node", "wire.mjs", emulator.url, base64.b64encode(picture.getvalue()).decode()]
        done = subprocess.run(command, cwd=tmp_path, timeout=PATIENCE_SECONDS, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        ledger = {entry["request_id"]: entry for entry in emulator.ledger()}
        routes = emulator.stats()["routes"]
    saw = json.loads(done.stdout.splitlines()[-1])
    for mode in ("polling", "streaming"):
        assert saw[mode]["states"] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
        assert ledger[saw[mode]["request_id"]]["state"] == "COMPLETED"
    assert routes["stream"] == 1
    assert ledger[saw["photo"]]["state"] == "COMPLETED"
    assert ledger[saw["photo"]]["unknown_fields"] == []
    assert ledger[saw["cancelled"]]["state"] == "CANCELLED"
    assert (saw["direct"], saw["large"]) == (1, True)
    assert saw["wrong_input"] == {"status": 422, "fields": [["body", "image_url"]]}
    assert saw["wrong_endpoint"]["status"] == 404
