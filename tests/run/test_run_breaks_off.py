"""Whatever breaks a run off, its evidence says so: nobody can take a broken run for a whole one and blame a gateway."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_wdtts.clock import NS_PER_S
from pytest_wdtts.record import EventKind, RunResult, read_journal
from pytest_wdtts.run import SCENARIOS, Progress, Run, Snapshot, plan_run
from pytest_wdtts.stack import EmbeddedStack, ExternalStack, Gateway
from pytest_wdtts.transport import Transport, choose_transport
from pytest_wdtts.verdict import Verdict, judge

LOAD = {"sessions": 3, "cps": 20.0, "duration_s": 3.0}


@pytest.fixture
def stack() -> Iterator[EmbeddedStack]:
    stack = EmbeddedStack()
    yield stack
    stack.stop()


def drive(stack: EmbeddedStack, gateway: Gateway, journal: Path, progress: Progress | None = None) -> RunResult:
    plan = plan_run(SCENARIOS["baseline"], "breaks", LOAD, {})

    async def execute() -> RunResult:
        return await Run(plan, gateway, stack, choose_transport("websockets"), journal, progress).execute()

    return asyncio.run(execute())


def fail_at_once(now: Snapshot) -> None:
    raise ZeroDivisionError("a look at the run fails")


def test_an_error_beside_the_load_makes_the_run_invalid_live_and_from_its_journal(
    stack: EmbeddedStack, tmp_path: Path
) -> None:
    journal = tmp_path / "run.jsonl"
    live = drive(stack, stack.start(), journal, fail_at_once)
    for result in (live, read_journal(journal)):
        assert result.footer is not None
        assert result.footer.stopped == "our own failure: ZeroDivisionError('a look at the run fails')"
        assert {row.verdict for row in judge(result)} <= {Verdict.INVALID, Verdict.NOT_ASSESSABLE}


def test_the_gateway_is_looked_at_again_after_a_moment_without_a_process(
    stack: EmbeddedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = stack.start()
    looks = iter([[], stack.pids(), stack.pids()])
    monkeypatch.setattr(stack, "pids", lambda: next(looks, []))
    assert drive(stack, gateway, tmp_path / "run.jsonl").samples


@pytest.mark.asyncio
async def test_a_backlog_leaves_one_timer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "ws://127.0.0.1:9/tts"
    plan = plan_run(SCENARIOS["baseline"], "timer", LOAD, {})
    run = Run(plan, Gateway(url), ExternalStack(url), choose_transport("websockets"), tmp_path / "run.jsonl")
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    call_later = loop.call_later
    armed: list[asyncio.TimerHandle] = []
    backlog = [5]

    def counted(*call: Any) -> asyncio.TimerHandle:
        armed.append(call_later(*call))
        return armed[-1]

    def late(now_ns: int) -> None:
        backlog[0] -= 1
        if backlog[0]:
            run.wheel.schedule(now_ns - NS_PER_S, late)
        else:
            run.wheel.schedule(now_ns + NS_PER_S // 10, lambda later_ns: over.set())
            run.wheel.schedule(now_ns + 3600 * NS_PER_S, lambda later_ns: None)

    monkeypatch.setattr(loop, "call_later", counted)
    run.wheel.schedule(run.now_ns(), late)
    async with asyncio.timeout(10):
        await over.wait()
    run._journal.close()
    assert sum(timer.when() > loop.time() and not timer.cancelled() for timer in armed) == 1


class Silence:
    """A transport whose connections never come to be; each of them does as it is told."""

    name = "silence"

    def connect(self, target: Any, listener: Any) -> "Silence":
        return self

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None


@pytest.mark.asyncio
async def test_a_gateway_that_is_late_to_return_takes_none_of_the_time_that_its_sessions_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_wdtts.run.driver.GRACE_AFTER_PLAN_S", 0.5)
    may_come, url = threading.Event(), "ws://127.0.0.1:9/tts"

    class SlowToCome(EmbeddedStack):
        def break_down(self, how: str) -> None: ...

        def mend(self, how: str) -> None:
            may_come.wait()

    plan = plan_run(
        SCENARIOS["baseline"], "late", LOAD | {"duration_s": 1.0}, {"gateway_restart": {"at_s": 0.1, "down_s": 0.1}}
    )
    run = Run(plan, Gateway(url), SlowToCome(), cast(Transport, Silence()), tmp_path / "run.jsonl")
    going = asyncio.create_task(run.execute())
    await asyncio.sleep(3)  # The plan, its longest fault and the grace are over.
    early = [record.plan.session_id for record in run.result.sessions if record.has(EventKind.FAILED)]
    may_come.set()
    result = await going
    assert early == []
    (away,) = result.gateway_faults
    assert min(record.times(EventKind.FAILED)[0] for record in result.sessions) > away.healed_ns + NS_PER_S
