"""Where the tail of UnitLatency comes from: each cause named when it is the cause, shares that add up."""

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from pytest_wdtts.attribution import Split, floor, split_latency
from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.faults import Cancel, SlowReader
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import RunResult, SessionRecord
from pytest_wdtts.record.result import GatewayFaultLine
from pytest_wdtts.verdict.case import Case
from tests.builders import empty_run, healthy_run

LOAD = LoadPlan(sessions=8, duration_s=30.0)


def split(result: RunResult) -> Split:
    found = split_latency(Case(result))
    assert found is not None
    shares = (found.flush_wait, found.service_time, found.slow_reading_by_plan, found.own_lateness)
    assert sum(shares) == pytest.approx(1.0)
    return found


def test_typing_speed_is_not_slowness() -> None:
    found = split(healthy_run(load=LOAD))
    assert found.flush_wait > 0.99
    assert "the gateway is not slow" in found.sentence
    assert found.unit_latency_p99_ms == pytest.approx(found.floor_ms["p99"] + 3, abs=2)


def test_a_slow_gateway_is_named() -> None:
    found = split(healthy_run(load=LOAD, service=lambda sent_ns: 20 * NS_PER_S))
    assert found.service_time > 0.8
    assert "the gateway is slow" in found.sentence


def test_a_gateway_that_is_slow_besides_is_not_called_fast() -> None:
    found = split(healthy_run(load=LOAD, service=lambda sent_ns: 500 * NS_PER_MS))
    assert 0.1 < found.service_time < found.flush_wait
    assert "not slow" not in found.sentence
    assert f"service time has {found.service_time:.0%} of it, p99 500 ms: it is slow besides" in found.sentence


def test_what_the_plan_did_is_not_the_gateway_s() -> None:
    faults = [SlowReader(session=index, at_ns=5 * NS_PER_S, pause_ns=20 * NS_PER_S) for index in range(8)]
    found = split(healthy_run("heavy", LOAD, faults, service=lambda sent_ns: 18 * NS_PER_S))
    assert found.slow_reading_by_plan > 0.7
    assert "is faults by plan; the plan did that" in found.sentence


def test_a_unit_is_on_its_way_until_its_audio_comes_however_long_it_waited_for_its_flush() -> None:
    """The pause is shorter than what the first units of a chunk wait for their mark."""
    load = LoadPlan(sessions=8, duration_s=30.0, corpus="zh_low_punct")
    pauses = [SlowReader(session=index, at_ns=0, pause_ns=NS_PER_S) for index in range(8)]
    result = healthy_run("heavy", load, pauses)
    for fault, record in zip(pauses, result.sessions, strict=True):
        number = max(range(len(record.chunk_end)), key=lambda at: record.chunk_end[at] - record.chunk_start[at])
        last_sent_ns = record.sent_ns[record.chunk_end[number]]
        record.received_ns[number] = last_sent_ns + NS_PER_S
        planned = to_builtins(replace(fault, at_ns=last_sent_ns + 1))
        result.header.planned_faults[fault.session] = planned
    assert split(result).service_time < 0.05


def test_what_was_on_its_way_while_the_plan_had_broken_the_gateway_is_not_the_gateway_s() -> None:
    result = healthy_run("heavy", LOAD, service=lambda sent_ns: 18 * NS_PER_S)
    result.gateway_faults = [GatewayFaultLine("gateway_pause", 5 * NS_PER_S, 25 * NS_PER_S)]
    assert split(result).slow_reading_by_plan > 0.7


def test_a_cancel_keeps_nobody_from_reading() -> None:
    faults = [Cancel(session=index, at_ns=10 * NS_PER_S) for index in range(8)]
    assert split(healthy_run("heavy", LOAD, faults, service=lambda sent_ns: 18 * NS_PER_S)).slow_reading_by_plan == 0


def test_a_unit_that_left_late_in_a_planned_stretch_counts_once() -> None:
    faults = [SlowReader(session=index, at_ns=5 * NS_PER_S, pause_ns=5 * NS_PER_S) for index in range(8)]
    result = healthy_run("heavy", LOAD, faults)
    for record in result.sessions:
        for column in (record.sent_ns, record.received_ns):
            for number in range(len(column)):
                column[number] += 2 * NS_PER_S
    found = split(result)
    assert found.slow_reading_by_plan > 0.1
    assert found.own_lateness > 0.1


def test_our_own_lateness_is_ours() -> None:
    result = healthy_run(load=LOAD)
    for record in result.sessions:
        for unit in range(len(record.sent_ns)):
            record.sent_ns[unit] += 30 * NS_PER_S
        for number in range(len(record.received_ns)):
            record.received_ns[number] += 30 * NS_PER_S
    assert split(result).own_lateness > 0.8


def test_the_floor_is_what_a_gateway_of_zero_latency_would_show() -> None:
    result = healthy_run(load=LOAD, service=lambda sent_ns: 0)
    units = Case(result).measures.unit_latency.value_ns
    assert floor(result.sessions)["max"] == pytest.approx(units.max() / NS_PER_MS, rel=0.002)


def test_a_session_that_replaces_another_adds_nothing_to_the_floor() -> None:
    record = healthy_run(load=LOAD).sessions[0]
    heir = SessionRecord(replace(record.plan, session_id="heir", replaces=record.plan.session_id))
    assert floor([record, heir]) == floor([record])


def test_a_run_without_audio_has_nothing_to_attribute() -> None:
    assert split_latency(Case(empty_run("baseline", LOAD.checked()))) is None
