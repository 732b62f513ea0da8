"""While a run lasts Python's collector stands still: so nothing may wait for it, whatever was broken meanwhile."""

import asyncio
import gc
from pathlib import Path

import pytest

from pytest_wdtts.run import SCENARIOS, Run, plan_run
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import choose_transport
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


@pytest.mark.parametrize("scenario", ["baseline", "mixed"])
@pytest.mark.parametrize("name", ["picows", "websockets"])
def test_what_is_over_is_freed_without_the_collector(name: str, scenario: str, tmp_path: Path) -> None:
    plan = plan_run(SCENARIOS[scenario], f"gc{scenario}", LOAD, {})
    transport, stack = choose_transport(name), EmbeddedStack()
    gateway = stack.start()
    garbage()

    async def drive() -> tuple[list[bool], list[str]]:
        run = Run(plan, gateway, stack, transport, tmp_path / "run.jsonl")
        collecting = [gc.isenabled()]
        run.wheel.schedule(0, lambda _: collecting.append(gc.isenabled()))
        result = await run.execute()
        collecting.append(gc.isenabled())
        assert sum(len(record.received_ns) for record in result.sessions) > 20
        gc.disable()
        await asyncio.sleep(0.3)
        left = garbage()
        gc.enable()
        return collecting, left

    try:
        with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
            collecting, left = runner.run(drive())
    finally:
        stack.stop()
    assert collecting == [True, False, True], "the collector rests while the run lasts, and only then"
    assert left == []
