"""A plan in parts is the plan, and what came of the parts is what would have come of the whole."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import (
    ContainerSample,
    EventKind,
    GatewaySample,
    RunFooter,
    RunHeader,
    RunResult,
    SessionRecord,
    read_journal,
)
from pytest_wdtts.run import SCENARIOS, RunPlan, plan_run
from pytest_wdtts.shards import merge_results, part_path, slice_plan, write_merged


def plan_of(sessions: int) -> RunPlan:
    load = {"sessions": sessions, "duration_s": 10.0, "cps": 5.0}
    return plan_run(SCENARIOS["mixed"], "r", load, {"cancel": {"percent": 0.3}})


@given(st.integers(1, 30), st.integers(1, 9))
def test_every_session_probe_and_fault_is_in_exactly_one_part(sessions: int, of: int) -> None:
    plan = plan_of(sessions)
    parts = [slice_plan(plan, number, of) for number in range(of)]
    assert sorted(s.index for part in parts for s in part.sessions) == list(range(sessions))
    assert sorted(p.index for part in parts for p in part.probes) == [p.index for p in plan.probes]
    assert sorted(map(repr, (f for part in parts for f in part.faults.faults))) == sorted(map(repr, plan.faults.faults))
    for part in parts:
        assert {getattr(f, "session", 0) for f in part.faults.faults} <= {session.index for session in part.sessions}
        assert part.load == plan.load
    sizes = [len(part.sessions) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_one_part_is_the_whole() -> None:
    plan = plan_of(7)
    assert slice_plan(plan, 0, 1) == plan


def part(number: int, of: int, ended: bool = True) -> RunResult:
    plan = slice_plan(plan_of(5), number, of)
    result = RunResult(RunHeader(scenario="mixed", run_id="r", url="ws://x/tts", stack="embedded", load=LoadPlan()))
    for session in (*plan.sessions, *plan.probes):
        record = SessionRecord(session)
        record.note(session.open_ns, EventKind.OPENING)
        record.sent(session.first_unit_ns, 1)
        result.add(record)
    result.loop_delays_ns = [number]
    result.container_samples = [ContainerSample(number, "web", 0.1, 1, 1, 0.0)]
    result.samples = [GatewaySample(of - number, 0.1, 1, 1)]
    result.injected = {"cancel": 1}
    if ended:
        result.footer = RunFooter(end_ns=100 + number, generator_cpu_s=1.0, injected={"cancel": 1})
    return result


def test_parts_are_united_without_loss(tmp_path: Path) -> None:
    merged = merge_results([part(1, 3), part(0, 3), part(2, 3)], {}, 3)
    assert [record.plan.index for record in merged.sessions] == [0, 1, 2, 3, 4]
    assert [record.plan.index for record in merged.probes] == list(range(len(merged.probes)))
    assert sorted(merged.loop_delays_ns) == [0, 1, 2]
    assert [sample.at_ns for sample in merged.samples] == [1, 2, 3]
    assert merged.injected == {"cancel": 3}
    assert merged.footer == RunFooter(end_ns=102, generator_cpu_s=3.0, injected={"cancel": 3})
    assert merged.header.environment["shards"] == "3"

    path = tmp_path / "mixed.jsonl"
    write_merged(merged, path)
    again = read_journal(path)
    assert again.header == merged.header
    assert again.footer == merged.footer
    assert [list(r.sent_ns) for r in again.sessions] == [list(r.sent_ns) for r in merged.sessions]
    assert [r.events for r in again.sessions] == [r.events for r in merged.sessions]
    assert again.samples == merged.samples
    assert len(merged.container_samples) == 3
    assert again.container_samples == merged.container_samples


@pytest.mark.parametrize("ended", [True, False])
def test_a_lost_part_makes_the_run_partial_and_keeps_the_rest(ended: bool) -> None:
    merged = merge_results([part(0, 2), part(1, 2, ended)], {1: "its worker died"}, 2)
    assert merged.footer is not None
    assert merged.footer.stopped == "shard lost: 1 of 2 (its worker died)"
    assert len(merged.sessions) == 5


def test_each_part_has_its_own_journal(tmp_path: Path) -> None:
    assert part_path(tmp_path, "mixed", 2) == tmp_path / "mixed.shard-2.jsonl"
