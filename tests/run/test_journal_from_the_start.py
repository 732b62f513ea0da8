"""Whoever is killed at once has told already who was to take part: what was planned is on disk before the start."""

from pathlib import Path

import pytest

from pytest_wdtts.record import read_journal
from pytest_wdtts.run import SCENARIOS, Run, plan_run
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import choose_transport

LOAD = {"sessions": 5, "cps": 20.0, "duration_s": 1.0}


@pytest.mark.asyncio
async def test_all_sessions_are_in_the_journal_before_the_first_opens(tmp_path: Path) -> None:
    plan = plan_run(SCENARIOS["baseline"], "journal", LOAD, {})
    stack = EmbeddedStack()
    journal = tmp_path / "run.jsonl"
    told: list[int] = []
    try:
        run = Run(plan, stack.start(), stack, choose_transport("websockets"), journal)
        run.wheel.schedule(0, lambda _: told.append(len(read_journal(journal).sessions)))
        await run.execute()
    finally:
        stack.stop()
    assert told == [5]
