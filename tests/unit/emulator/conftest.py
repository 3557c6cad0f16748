# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator without any delay, and two ways to talk to it."""

from collections.abc import Iterator

import fal_client
import fal_client.client
import httpx
import pytest

from tests.emulator_desk import AUTH, KEY, PLAINLY
from tests.fal_emulator.process import FAST, RunningEmulator, running_emulator


@pytest.fixture(scope="module")
def shared_emulator() -> Iterator[RunningEmulator]:
    with running_emulator(delays=FAST) as emulator:
        yield emulator


@pytest.fixture
def emulator(shared_emulator: RunningEmulator) -> RunningEmulator:
    shared_emulator.control(reset=True)
    return shared_emulator


@pytest.fixture
def client(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> fal_client.SyncClient:
    module = fal_client.client
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", f"{emulator.url}/queue/")
    monkeypatch.setattr(module, "RUN_URL_FORMAT", f"{emulator.url}/run/")
    monkeypatch.setattr(module, "REST_URL", f"{emulator.url}/rest")
    monkeypatch.setattr(module, "CDN_URL", f"{emulator.url}/cdn")
    return fal_client.SyncClient(key=KEY)


@pytest.fixture
def wire(emulator: RunningEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.url, headers=AUTH, **PLAINLY) as plain:
        yield plain
