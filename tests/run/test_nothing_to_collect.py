"""While a run lasts Python's collector stands still: so nothing may wait for it, whatever was broken meanwhile."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wdtts.run import SCENARIOS, Run, plan_run
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import Transport, choose_transport
from pytest_wdtts.transport.fast import FastConnection
from pytest_wdtts.transport.portable import PortableConnection

LOAD = {"sessions": 20, "cps": 20.0, "duration_s": 2.0}


def garbage() -> list[str]:
    """What only the collector could free, and connections still held, by their types' names."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    lost = [kind for kind in map(type, gc.garbage) if kind.__module__.startswith(("pytest_wdtts", "picows"))]
    held = [kind for kind in map(type, gc.get_objects()) if kind in (FastConnection, PortableConnection)]
    gc.garbage.clear()
    return [kind.__name__ for kind in (*lost, *held)]


@pytest.fixture(params=["picows", "websockets"])
def transport(request: pytest.FixtureRequest) -> Transport:
    return choose_transport(request.param)


def drive(transport: Transport, scenario: str, path: Path, before: Callable[[Run], None]) -> list[str]:
    """Drive a run; return what is left for the collector when it is over, and the run itself still there."""
    plan, stack = plan_run(SCENARIOS[scenario], f"gc{scenario}", LOAD, {}), EmbeddedStack()
    gateway = stack.start()

    async def execute() -> list[str]:
        run = Run(plan, gateway, stack, transport, path)
        before(run)
        result = await run.execute()
        assert sum(len(record.received_ns) for record in result.sessions) > 20
        await asyncio.sleep(0.3)
        return garbage()

    try:
        with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
            return runner.run(execute())
    finally:
        stack.stop()


def test_the_collector_rests_while_the_run_lasts_and_only_then(transport: Transport, tmp_path: Path) -> None:
    collecting = [gc.isenabled()]
    drive(
        transport,
        "baseline",
        tmp_path / "run.jsonl",
        lambda run: run.wheel.schedule(0, lambda _: collecting.append(gc.isenabled())),
    )
    assert [*collecting, gc.isenabled()] == [True, False, True]


@pytest.mark.parametrize("scenario", ["baseline", "mixed", "heavy"])
def test_what_is_over_is_freed_without_the_collector(transport: Transport, scenario: str, tmp_path: Path) -> None:
    garbage()
    gc.disable()  # The run leaves it as it was: else the collector would have been there before us.
    try:
        assert drive(transport, scenario, tmp_path / "run.jsonl", lambda run: None) == []
    finally:
        gc.enable()
