"""The exact split: UnitLatency is flush wait plus service time, to the nanosecond, for every unit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.clock import NS_PER_MS
from pytest_wdtts.record import EventKind, SessionRecord
from pytest_wdtts.record.measures import Measures
from tests.builders import healthy, opened_record, receive, send_all, session_plan

MS = NS_PER_MS


@st.composite
def lives(draw: st.DrawFn) -> SessionRecord:
    """A session with any send times and any chunks, doubled, overlapping or beyond what was sent."""
    units = draw(st.integers(0, 30))
    record = SessionRecord(session_plan("字" * 30))
    at_ns = 0
    for gap_ns in draw(st.lists(st.integers(0, 10**10), min_size=units, max_size=units)):
        at_ns += gap_ns
        record.sent(at_ns, 0)
    for _ in range(draw(st.integers(0, 12))):
        start, end = draw(st.integers(-2, 32)), draw(st.integers(-2, 32))
        at_ns += draw(st.integers(0, 10**10))
        record.received(at_ns, 0, start, end, 0, 0)
    return record


@given(st.lists(lives(), max_size=3))
def test_the_split_is_exact_and_each_unit_counts_once(records: list[SessionRecord]) -> None:
    measures = Measures.of(records)
    total = measures.flush_wait.value_ns + measures.service_share.value_ns
    assert (measures.unit_latency.value_ns == total).all()
    assert (measures.flush_wait.value_ns >= 0).all()
    for place, record in enumerate(records):
        sent = len(record.sent_ns)
        sound = [
            (start, end)
            for start, end in zip(record.chunk_start, record.chunk_end, strict=True)
            if 0 <= start <= end < sent
        ]
        covered = {unit for start, end in sound for unit in range(start, end + 1)}
        assert int((measures.unit_latency.session == place).sum()) == len(covered)
        assert int((measures.service_time.session == place).sum()) == len(sound)


def test_by_hand() -> None:
    record = opened_record(session_plan("您好，走", interval_ms=100))
    send_all(record)
    receive(record, 0, 2, 307 * MS)
    receive(record, 3, 3, 404 * MS)
    measures = Measures.of([record])
    assert measures.unit_latency.value_ns.tolist() == [207 * MS, 107 * MS, 7 * MS, 4 * MS]
    assert measures.flush_wait.value_ns.tolist() == [200 * MS, 100 * MS, 0, 0]
    assert measures.service_time.value_ns.tolist() == [7 * MS, 4 * MS]
    assert measures.service_share.value_ns.tolist() == [7 * MS, 7 * MS, 7 * MS, 4 * MS]
    assert measures.ttfa.value_ns.tolist() == [307 * MS]
    assert measures.chunk_gap.value_ns.tolist() == [97 * MS]
    assert measures.chunk_gap.at_ns.tolist() == [404 * MS]
    assert measures.planned_latency.value_ns.tolist() == measures.unit_latency.value_ns.tolist()


def test_a_late_unit_owes_its_lateness_to_the_plan() -> None:
    record = opened_record(session_plan("走。", interval_ms=100))
    record.sent(100 * MS, 0)
    record.sent(900 * MS, 700 * MS)
    receive(record, 0, 1, 901 * MS)
    measures = Measures.of([record])
    assert measures.unit_latency.value_ns.tolist() == [801 * MS, 1 * MS]
    assert measures.planned_latency.value_ns.tolist() == [801 * MS, 701 * MS]
    assert measures.send_lateness.value_ns.tolist() == [0, 700 * MS]


def test_a_doubled_unit_counts_as_it_came_first() -> None:
    record = opened_record(session_plan("走。"))
    send_all(record)
    receive(record, 0, 1, 203 * MS)
    receive(record, 0, 1, 999 * MS)
    assert Measures.of([record]).unit_latency.value_ns.tolist() == [103 * MS, 3 * MS]


def test_ttfa_needs_an_opening_and_audio() -> None:
    silent = opened_record(session_plan())
    assert len(Measures.of([silent]).ttfa) == 0
    reopened = healthy(session_plan())
    reopened.note(5 * MS, EventKind.OPENING)
    assert Measures.of([reopened]).ttfa.value_ns.tolist() == [reopened.received_ns[0]]


def test_ttfa_is_counted_from_the_opening_not_from_the_run_s_origin() -> None:
    record = SessionRecord(session_plan())
    record.note(2_000 * MS, EventKind.OPENING)
    send_all(record)
    receive(record, 0, 2, 2_450 * MS)
    ttfa = Measures.of([record]).ttfa
    assert (ttfa.value_ns.tolist(), ttfa.at_ns.tolist()) == ([450 * MS], [2_000 * MS])


@pytest.mark.parametrize(("start", "end"), [(0, 2), (-1, 1), (1, 0), (2, 2)])
def test_a_chunk_of_units_never_sent_measures_nothing(start: int, end: int) -> None:
    record = opened_record(session_plan("走。"))
    send_all(record)
    receive(record, start, end, 900 * MS)
    measures = Measures.of([record])
    assert len(measures.unit_latency) == len(measures.service_time) == 0


def test_nothing_measured_is_empty_not_an_error() -> None:
    measures = Measures.of([])
    assert len(measures.unit_latency) == len(measures.ttfa) == 0


@pytest.mark.parametrize(("start_ns", "end_ns", "left"), [(0, 10, [1, 9]), (1, 9, [1]), (2, 3, []), (9, 9, [])])
def test_within_leaves_out_its_end(start_ns: int, end_ns: int, left: list[int]) -> None:
    record = SessionRecord(session_plan("走。"))
    record.sent(1, 0)
    record.sent(9, 0)
    record.received(20, 0, 0, 1, 0, 0)
    inside = Measures.of([record]).unit_latency.within(start_ns, end_ns)
    assert inside.at_ns.tolist() == left
    assert isinstance(inside.value_ns, np.ndarray)
