"""What a step showed, from a run's records: gaps, flush beyond the floor, errors of those whom the plan left alone."""

import pytest

from pytest_wdtts.attribution import Look, Step, StepSeen, observe
from pytest_wdtts.attribution.gaps import find_gaps
from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import EventKind, RunResult
from tests.builders import faulty_run, healthy_run, opened_record, receive, send_all, session_plan

LOAD = LoadPlan(sessions=10, cps=20.0, duration_s=8.0, loop=True)
EVERY_NS, LONG_NS = 5 * NS_PER_S, 300 * NS_PER_MS
STEP = Step(experiment="ladder", sessions=10, cps=20.0, duration_s=8.0, corpus="zh_high_punct")


def seen(result: RunResult) -> StepSeen:
    return observe(STEP, "step.jsonl", Look(), result)


def blocked(sent_ns: int) -> int:
    """A loop that stands still for 300 ms every 5 s."""
    inside_ns = sent_ns % EVERY_NS
    return LONG_NS - inside_ns if inside_ns < LONG_NS else 3 * NS_PER_MS


def test_a_healthy_run_has_no_gaps_and_its_flush_is_at_the_floor() -> None:
    found = seen(healthy_run(load=LOAD))
    assert (found.gaps, found.flush_excess_units, found.served, found.valid) == ((), 0.0, True, True)
    assert found.ms("flush_wait", "p99") == pytest.approx(found.flush_floor_ms["p99"], rel=0.01)
    assert found.ms("service_time") == pytest.approx(3, abs=0.1)


def test_a_loop_that_stands_still_is_seen_as_gaps() -> None:
    gaps = seen(healthy_run(load=LOAD, service=blocked)).gaps
    assert [round(gap.start_s) for gap in gaps] == [5]
    assert gaps[0].length_ms > 200
    assert gaps[0].sessions >= 3


def test_those_who_waited_need_not_be_served_in_the_same_millisecond() -> None:
    found = seen(healthy_run(load=LOAD, service=lambda sent_ns: blocked(sent_ns) + sent_ns * 7 % (40 * NS_PER_MS)))
    assert [round(gap.start_s) for gap in found.gaps] == [5]


@pytest.mark.parametrize(("spread_ms", "gaps"), [(200, 1), (500, 0)])
def test_what_piled_up_in_a_long_gap_may_take_a_tenth_of_it_to_come(spread_ms: int, gaps: int) -> None:
    """All stand still from 3 to 5 s; what waited comes within so many ms, in the order of nobody."""

    def service_ns(sent_ns: int) -> int:
        inside_ns = sent_ns - 3 * NS_PER_S
        waits = 0 <= inside_ns < 2 * NS_PER_S
        return 2 * NS_PER_S - inside_ns + sent_ns * 7919 % (spread_ms * NS_PER_MS) if waits else 3 * NS_PER_MS

    found = seen(healthy_run(load=LOAD, service=service_ns)).gaps
    assert [round(gap.length_ms, -2) for gap in found] == [2000.0] * gaps


def test_two_sessions_that_wait_are_not_everybody() -> None:
    few = LoadPlan(sessions=2, cps=20.0, duration_s=8.0, loop=True, probe_interval_s=0.0)
    assert seen(healthy_run(load=few, service=blocked)).gaps == ()


def test_a_gap_after_the_last_unit_left_is_seen_as_well() -> None:
    """All was sent by 600 ms; the first chunks come at 650, then nobody is served for 350 ms."""
    records = []
    for index in range(3):
        record = opened_record(session_plan(session_id=f"s{index}", index=index))
        send_all(record)
        receive(record, 0, 2, 650 * NS_PER_MS)
        receive(record, 3, 5, 1000 * NS_PER_MS)
        records.append(record)
    (gap,) = find_gaps(records)
    assert (gap.start_s, gap.length_ms, gap.sessions) == (0.65, 350.0, 3)


def test_a_gap_in_which_we_were_late_ourselves_is_ours() -> None:
    result = healthy_run(load=LOAD, service=blocked)
    for record in (*result.sessions, *result.probes):
        for unit, at_ns in enumerate(record.sent_ns):
            if EVERY_NS <= at_ns < EVERY_NS + LONG_NS:
                record.lateness_ns[unit] = EVERY_NS + LONG_NS - at_ns
    assert seen(result).gaps == ()


def test_slowness_without_standing_still_is_no_gap() -> None:
    assert seen(healthy_run(load=LOAD, service=lambda sent_ns: NS_PER_S)).gaps == ()


def test_chunks_that_wait_beyond_the_rule_are_counted_in_units() -> None:
    result = healthy_run(load=LOAD)
    for record in result.sessions:
        for number in range(0, len(record.chunk_end) - 1, 2):
            record.chunk_start[number + 1] = record.chunk_start[number]
            record.chunk_end[number] = record.chunk_end[number + 1]
    assert seen(result).flush_excess_units >= 4


def test_only_those_whom_the_plan_left_alone_are_counted() -> None:
    found = seen(faulty_run())
    assert (found.slow_readers, found.backpressure, found.counts["errors"]) == (2, 1, 0)


def test_who_never_opened_was_refused() -> None:
    result = healthy_run(load=LOAD)
    record = result.sessions[0]
    record.events = [event for event in record.events if event.kind is EventKind.OPENING]
    record.note(NS_PER_S, EventKind.FAILED, "handshake answered with HTTP 503")
    found = seen(result)
    assert (found.refused, found.counts["errors"], found.served) == (1, 1, False)


def test_our_own_lateness_makes_a_step_no_evidence() -> None:
    result = healthy_run(load=LOAD)
    result.loop_delays_ns = [NS_PER_S] * 100
    assert not seen(result).valid
