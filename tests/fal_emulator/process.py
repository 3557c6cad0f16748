# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a child process for tests: real process, real HTTP."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.patience import PATIENCE_SECONDS

from .state import DELAY_KINDS

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 5.0
FAST = dict.fromkeys(DELAY_KINDS, 0.0)  # As ``delays``: nothing takes time.
ROUNDS = 20  # Of the emulator's event loop: more than a request needs to reach the ledger.


class RunningEmulator:
    """A started emulator, reached over HTTP."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process
        # Ignore the proxies of the environment: this is loopback.
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_SECONDS)

    def ledger(self) -> list[dict[str, Any]]:
        """Every accepted submit, in order."""
        return self._json(self._client.get("/ledger"))

    def files(self) -> list[dict[str, Any]]:
        """Every file, with its ACL, its expiry and whether anyone can fetch it now."""
        return self._json(self._client.get("/files"))

    def settled_ledger(self) -> list[dict[str, Any]]:
        """The ledger, once it contains everything that ended processes have sent."""
        for _round in range(ROUNDS):
            found = self.ledger()
        return found

    def control(self, **message: Any) -> dict[str, Any]:
        """Send a control message (see ``CONTROL_HELP``); without one, only read the state."""
        return self._json(self._client.post("/control", json=message))

    def stats(self) -> dict[str, Any]:
        return self._json(self._client.get("/stats"))

    def close(self) -> None:
        self._client.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    @staticmethod
    def _json(answer: httpx.Response) -> Any:
        if answer.status_code == 400:
            raise ValueError(answer.json()["error"])
        return answer.raise_for_status().json()


@contextmanager
def running_emulator(*, port: int = 0, **control: Any) -> Iterator[RunningEmulator]:
    """An emulator on a free port; ``control`` is its first control message."""
    emulator = start_emulator(port=port, **control)
    try:
        yield emulator
    finally:
        emulator.close()


def start_emulator(*, port: int = 0, **control: Any) -> RunningEmulator:
    """Like ``running_emulator``, for fixtures that call ``close`` themselves."""
    command = [sys.executable, "-m", "tests.fal_emulator", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--control", json.dumps(control)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
    watchdog.start()
    line = process.stdout.readline()
    watchdog.cancel()
    if "http" not in line:
        process.kill()
        raise RuntimeError(f"the emulator did not start: exit code {process.wait()}")
    return RunningEmulator(line.split()[-1], process)
