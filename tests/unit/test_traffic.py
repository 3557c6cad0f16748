# SPDX-License-Identifier: GPL-3.0-or-later
"""Many sets over one connection: enough requests queued at fal.ai to use its concurrency, and not many more."""

import asyncio
import concurrent.futures
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from photoreal_set.fal_bridge.bridge import Bridge, Connection
from photoreal_set.fal_bridge.errors import StoppedError
from photoreal_set.fal_bridge.jobs import JobState
from photoreal_set.fal_bridge.network.service import Service
from photoreal_set.fal_bridge.pace import Pace
from photoreal_set.fal_bridge.traffic import LET_PASS, MIN_WAITING, Traffic
from tests.desk import Desk
from tests.fal_emulator.process import RunningEmulator
from tests.patience import FOR_EVER_SECONDS, PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(emulator: RunningEmulator, tmp_path: Path) -> Desk:
    emulator.control(delays={"photo": FOR_EVER_SECONDS})
    return Desk(tmp_path, emulator)


def connection(desk: Desk) -> Connection:
    service = Service.emulator(desk.emulator.url)
    return Connection(service, pace=replace(Pace.of(service), patience=PATIENCE_SECONDS), adapts=True)


def bridges(desk: Desk, shared: Connection, count: int, stack: ExitStack) -> list[Bridge]:
    folders = [desk.folder / f"set-{number}" for number in range(count)]
    made = (
        Bridge(shared.service, place / ".journal", lambda _job: None, connection=shared) for place in folders
    )
    return [stack.enter_context(bridge) for bridge in made]


@pytest.mark.parametrize("places", [2, 6])
def test_no_more_requests_are_queued_than_run(desk: Desk, places: int):
    desk.emulator.control(concurrency=places)
    most = places + max(MIN_WAITING, places)
    with ExitStack() as stack:
        shared = stack.enter_context(connection(desk))
        futures = [
            bridge.start(
                desk.photo(seed=place * 10 + number, label=f"photo {number}"),
                desk.folder / f"{place}-{number}",
            )
            for place, bridge in enumerate(bridges(desk, shared, 6, stack))
            for number in range(4)
        ]
        until(lambda: len(desk.emulator.ledger()) == most)
        time.sleep(0.5)
        assert len(desk.emulator.ledger()) == most
        desk.emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)  # The next ones take no time.
        concurrent.futures.wait(futures, PATIENCE_SECONDS)
    assert all(future.result().path.is_file() for future in futures)
    assert len(desk.emulator.ledger()) == 24


def test_a_high_concurrency_limit_is_used(desk: Desk):
    with ExitStack() as stack:
        shared = stack.enter_context(connection(desk))
        (bridge,) = bridges(desk, shared, 1, stack)
        futures = [
            bridge.start(desk.photo(seed=number, label=f"photo {number}"), desk.folder / f"{number}")
            for number in range(40)
        ]
        until(lambda: len(desk.emulator.ledger()) == 40)  # None of them has ended.
        desk.emulator.control(advance=FOR_EVER_SECONDS)
        concurrent.futures.wait(futures, PATIENCE_SECONDS)
    assert all(future.result().path.is_file() for future in futures)


def test_a_waiting_sender_ends_when_sending_stops(desk: Desk):
    desk.emulator.control(concurrency=1)
    with ExitStack() as stack:
        shared = stack.enter_context(connection(desk))
        first, second = bridges(desk, shared, 2, stack)
        kept = [
            first.start(desk.photo(seed=number, label=f"photo {number}"), desk.folder / f"a{number}")
            for number in range(2)
        ]
        until(lambda: len(desk.emulator.ledger()) == 2)
        waiting = [
            second.start(desk.photo(seed=10 + n, label=f"photo {n}"), desk.folder / f"b{n}")
            for n in range(12)
        ]
        until(lambda: len(desk.emulator.ledger()) > 2)
        second.send_no_more()
        until(lambda: sum(future.done() for future in waiting) >= 12 - MIN_WAITING)
        assert all(isinstance(future.exception(), StoppedError) for future in waiting if future.done())
        desk.emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)
        assert all(future.result(PATIENCE_SECONDS).path.is_file() for future in kept)


def test_the_end_of_one_set_leaves_the_others_alone(desk: Desk):
    with ExitStack() as stack:
        shared = stack.enter_context(connection(desk))
        (other,) = bridges(desk, shared, 1, stack)
        future = other.start(desk.photo(seed=1), desk.folder / "kept")
        with Bridge(
            shared.service, desk.folder / "x/.journal", lambda _job: None, connection=shared
        ) as bridge:
            lost = bridge.start(desk.photo(seed=2), desk.folder / "lost")
        assert isinstance(lost.exception(PATIENCE_SECONDS), StoppedError)
        desk.emulator.control(delays={"photo": 0.0}, advance=FOR_EVER_SECONDS)
        assert future.result(PATIENCE_SECONDS).path.is_file()


def places_taken(queued: list[tuple[str, bool]]) -> list[str]:
    """The order in which requests, named and with ``can_wait``, are sent when all places are in use at first."""

    async def work() -> list[str]:
        traffic = Traffic(adapts=True)
        first = list(range(MIN_WAITING))
        for job in first:
            await traffic.take_place(job, lambda: None)
        order: list[str] = []

        async def ask(name: str, *, can_wait: bool) -> None:
            await traffic.take_place(name, lambda: None, can_wait=can_wait)
            order.append(name)
            traffic.note(name, JobState.DONE)

        asked = []
        for name, can_wait in queued:
            asked.append(asyncio.create_task(ask(name, can_wait=can_wait)))
            await asyncio.sleep(0)  # It has started waiting.
        assert order == []
        traffic.note(first[0], JobState.DONE)
        await asyncio.gather(*asked)
        return order

    return asyncio.run(work())


def test_requests_without_dependents_let_others_pass():
    queued = [("a side", True), ("a hero", False), ("b side", True), ("b hero", False), ("film", False)]
    assert places_taken(queued) == ["a hero", "b hero", "film", "a side", "b side"]


def test_a_request_that_lets_others_pass_is_sent_eventually():
    others = [(f"{number}", False) for number in range(LET_PASS + 20)]
    order = places_taken([("side", True), *others])
    assert order.index("side") == LET_PASS
