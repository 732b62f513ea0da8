"""The edges of every row: what is just allowed, what is explained, and that evidence and counts say what was seen.

Each test was written for a condition of a judge that could be broken without any other test turning red.
"""

from collections.abc import Callable

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.faults import SlowReader
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import PLANNED_LEAVE, ChunkFlag, EventKind, GatewaySample, RunResult, SessionRecord
from pytest_wdtts.record.result import GatewayFaultLine
from pytest_wdtts.verdict import Limits, Row, Verdict, judge
from pytest_wdtts.verdict.case import Case, flushed_late
from tests.builders import empty_run, faulty_run, finish, healthy_run, opened_record, receive, send_all

CUT, CANCELLED, SLOW, PRESSED, UNTOUCHED = 0, 1, 2, 3, 5
SHORT = LoadPlan(sessions=4, duration_s=6.0)


def row_of(result: RunResult, row_id: str, limits: Limits | None = None) -> Row:
    return next(row for row in judge(result, limits) if row.id == row_id)


def passes(result: RunResult, row_id: str, limits: Limits | None = None) -> bool:
    return row_of(result, row_id, limits).verdict is Verdict.PASS


def error(code: str, at_s: float = 12.0) -> Callable[[SessionRecord], None]:
    return lambda record: record.note(round(at_s * NS_PER_S), EventKind.ERROR, f"{code}: said so")


def lose(record: SessionRecord, number: int = 5) -> int:
    """Take one chunk out; returns how many units it had."""
    units = record.chunk_end[number] - record.chunk_start[number] + 1
    for column in (record.received_ns, record.chunk_start, record.chunk_end, record.pcm_bytes, record.flags):
        del column[number]
    del record.chunk_seq[-1]
    return units


# --- units: counts and times ---


def test_missing_units_are_counted_by_what_explains_them() -> None:
    result = faulty_run()
    explained = row_of(result, "missing_units").observed.removeprefix("0 unexplained, ")
    lost = lose(result.sessions[UNTOUCHED])
    assert row_of(result, "missing_units").observed == f"{lost} unexplained, {explained}"
    observed = row_of(result, "sent_equals_received").observed
    sent, received, lost_by_plan = (int(part.split()[0]) for part in observed.split(", "))
    assert f"{lost_by_plan} explained" == explained
    assert sent - received == lost + lost_by_plan


def test_nothing_explained_is_not_spoken_of() -> None:
    result = healthy_run(load=SHORT)
    assert row_of(result, "missing_units").observed == "0 unexplained"
    assert "explained" not in row_of(result, "sent_equals_received").observed


@pytest.mark.parametrize("number", [0, 1])
def test_evidence_of_lost_units_is_timed_by_the_first_of_them(number: int) -> None:
    result = healthy_run(load=SHORT)
    record = result.sessions[1]
    first = record.chunk_start[number]
    lost = lose(record, number)
    (piece,) = row_of(result, "missing_units").evidence
    assert piece.at_s == pytest.approx(record.sent_ns[first] / NS_PER_S, abs=1e-5)
    assert piece.what.startswith(f"{lost} missing: units {first}")


@pytest.mark.parametrize("beyond", [0, 7])
def test_a_unit_that_was_never_sent_has_no_time_of_its_own(beyond: int) -> None:
    result = healthy_run(load=SHORT)
    record = result.sessions[1]
    unit = len(record.sent_ns) + beyond
    receive(record, unit, unit)
    (piece,) = row_of(result, "mismatched_units").evidence
    assert piece.at_s == pytest.approx(record.events[-1].at_ns / NS_PER_S, abs=1e-5)


@pytest.mark.parametrize(("lost", "shown", "more"), [(8, 8, False), (9, 8, True)])
def test_only_the_first_units_are_listed(lost: int, shown: int, more: bool) -> None:
    result = healthy_run(load=SHORT)
    record = opened_record(result.sessions[1].plan)
    send_all(record, lost)
    result.sessions[1] = record
    (piece,) = row_of(result, "missing_units").evidence
    assert piece.what == f"{lost} missing: units " + ", ".join(map(str, range(shown))) + (", ..." if more else "")


def test_a_gap_is_counted_and_names_both_numbers() -> None:
    result = healthy_run(load=SHORT)
    record = result.sessions[1]
    last = record.chunk_seq[-1]
    record.chunk_seq[-1] = last + 4
    row = row_of(result, "unit_order")
    assert row.observed == "0 units out of order, 1 gaps in chunk_seq"
    assert [piece.what for piece in row.evidence] == [f"chunk_seq {last + 4} after {last - 1}"]


# --- the gateway itself was broken by plan ---


@pytest.mark.parametrize("left", [0, 1])
def test_who_lost_the_gateway_by_plan_was_not_left_alone(left: int) -> None:
    result = faulty_run()
    result.gateway_faults = [GatewayFaultLine("gateway_restart", 10 * NS_PER_S, 11 * NS_PER_S)]
    touched = {CUT, CANCELLED, SLOW, PRESSED}
    untouched = [record for record in result.sessions if record.plan.index not in touched]
    for record in untouched[left:]:
        record.note(10 * NS_PER_S, EventKind.FAULT, "gateway")
        error("resume_not_available")(record)
    row = row_of(result, "isolation_errors")
    assert row.verdict is (Verdict.PASS if left else Verdict.NOT_ASSESSABLE)
    assert row.observed == ("0 in 1 untouched sessions" if left else "the plan took the gateway from every session")


def test_of_one_session_five_gaps_are_shown_and_all_are_counted() -> None:
    result = healthy_run(load=LoadPlan(sessions=2, duration_s=12.0))
    record = result.sessions[1]
    for number in range(len(record.chunk_seq)):
        record.chunk_seq[number] *= 2
    row = row_of(result, "unit_order")
    assert row.observed == f"0 units out of order, {len(record.chunk_seq) - 1} gaps in chunk_seq"
    assert row.seen == 5


def test_what_was_lost_in_probes_is_told_apart() -> None:
    result = healthy_run(load=SHORT)
    lost = lose(result.sessions[1], 1) + (in_probe := lose(result.probes[1], 1))
    assert row_of(result, "missing_units").observed == f"{lost} unexplained, {in_probe} of these in probes"


# --- ends: who owes one ---


def test_an_end_that_nobody_asked_for_is_a_wrong_end_though_none_was_due() -> None:
    result = healthy_run(load=SHORT)
    for record in (*result.sessions, *result.probes):
        record.events = [event for event in record.events if event.kind is not EventKind.TEXT_END_SENT]
        record.note(NS_PER_S, EventKind.END_VIOLATION, "tts_end before text_end was sent")
    assert row_of(result, "session_end").verdict is Verdict.FAIL


def unended(record: SessionRecord, *kinds: EventKind) -> SessionRecord:
    """A session that sent all its text, then what `kinds` say, and heard nothing more."""
    again = opened_record(record.plan)
    send_all(again)
    for kind in kinds:
        again.note(again.sent_ns[-1], kind, "backpressure: x" if kind is EventKind.ERROR else "")
    return again


@pytest.mark.parametrize(
    ("kinds", "owed"),
    [
        ((), False),
        ((EventKind.TEXT_END_SENT,), True),
        ((EventKind.CANCEL_SENT,), True),
        ((EventKind.TEXT_END_SENT, EventKind.ERROR), False),
        ((EventKind.TEXT_END_SENT, EventKind.ENDED), False),
    ],
)
def test_an_end_is_owed_to_who_asked_for_it_and_got_no_error(kinds: tuple[EventKind, ...], owed: bool) -> None:
    result = healthy_run("mixed", load=SHORT)
    result.sessions[1] = unended(result.sessions[1], *kinds)
    assert passes(result, "session_end") is not owed


def test_no_end_is_owed_to_who_left_by_plan() -> None:
    result = healthy_run("mixed", load=SHORT)
    record = unended(result.sessions[1], EventKind.TEXT_END_SENT)
    record.note(record.sent_ns[-1], EventKind.FAILED, PLANNED_LEAVE)
    result.sessions[1] = record
    assert passes(result, "session_end")
    assert passes(result, "session_errors")


# --- errors: which code, whose, and how many ---


def test_what_is_seen_and_injected_is_said_in_full() -> None:
    assert row_of(faulty_run(), "error_types").observed == (
        "1 x backpressure; injected 1 x cancel, 1 x disconnect, 2 x slow_reader"
    )
    assert row_of(healthy_run("mixed", load=SHORT), "error_types").observed == "no errors; injected nothing"


@pytest.mark.parametrize(
    ("index", "code", "allowed"),
    [
        (CUT, "resume_not_available", True),
        (CANCELLED, "resume_not_available", False),
        (UNTOUCHED, "resume_not_available", False),
        (CUT, "backpressure", False),
        (SLOW, "backpressure", True),
    ],
)
def test_a_code_is_allowed_where_its_own_fault_was(index: int, code: str, allowed: bool) -> None:
    result = faulty_run()
    error(code, 13.5)(result.sessions[index])
    row = row_of(result, "error_types")
    assert (row.verdict is Verdict.PASS) is allowed
    if not allowed:
        assert row.evidence[0].at_s == 13.5


def lost_gateway(code: str, *gone_at_s: float) -> RunResult:
    """The gateway was restarted; everybody and a probe came back to one that knows nobody, each time anew."""
    result = faulty_run()
    result.gateway_faults = [
        GatewayFaultLine("gateway_restart", round(at_s * NS_PER_S), round((at_s + 1) * NS_PER_S)) for at_s in gone_at_s
    ]
    others = result.sessions[4:]
    after_each = [[*others, *result.probes[:1]], *([replacement(r) for r in others] for _ in gone_at_s[1:])]
    for at_s, records in zip(gone_at_s, after_each, strict=True):
        for record in records:
            record.note(round(at_s * NS_PER_S), EventKind.FAULT, "gateway")
            record.note(round((at_s + 1) * NS_PER_S), EventKind.RESUME_SENT)
            error(code, at_s + 1.1)(record)
    result.sessions += [record for records in after_each[1:] for record in records]
    return result


def replacement(record: SessionRecord) -> SessionRecord:
    session_id = f"{record.plan.session_id}-2"
    return SessionRecord(replace(record.plan, session_id=session_id, replaces=record.plan.session_id))


def test_a_gateway_that_the_plan_took_down_explains_that_nobody_is_known() -> None:
    result = lost_gateway("resume_not_available", 10)
    row = row_of(result, "error_types")
    assert row.verdict is Verdict.PASS
    assert f"{len(result.sessions) - 4 + 1} x resume_not_available" in row.observed, "a probe has lost it too"
    row = row_of(lost_gateway("backpressure", 10), "error_types")
    assert {piece.what for piece in row.evidence} == {
        "backpressure: in a session that had not met the fault that causes it"
    }


def test_a_gateway_that_the_plan_took_down_twice_explains_twice_as_many() -> None:
    result = lost_gateway("resume_not_available", 10, 15)
    row = row_of(result, "error_types")
    assert row.verdict is Verdict.PASS
    assert "17 x resume_not_available" in row.observed, "more than there are sessions"


@pytest.mark.parametrize(
    ("index", "cause", "code"),
    [(UNTOUCHED, EventKind.RESUME_SENT, "resume_not_available"), (SLOW, None, "backpressure")],
)
def test_an_error_before_its_fault_is_not_caused_by_it(index: int, cause: EventKind | None, code: str) -> None:
    result = faulty_run()
    record = result.sessions[index]
    start_ns = min((f.at_ns for f in Case(result).faults if f.session == record.plan.index), default=12 * NS_PER_S)
    if cause is not None:
        record.note(start_ns, cause)
    record.events = [event for event in record.events if event.kind is not EventKind.ERROR]
    error(code, (start_ns - 1) / NS_PER_S)(record)
    row = row_of(result, "error_types")
    assert [piece.what for piece in row.evidence] == [f"{code}: in a session that had not met the fault that causes it"]
    record.events.pop()
    error(code, start_ns / NS_PER_S)(record)
    assert passes(result, "error_types")


def test_internal_errors_up_to_the_bound_are_no_bulk() -> None:
    result = faulty_run()
    most = int(row_of(result, "internal_error_ratio").limit.split()[2])
    assert most >= 1
    for record in result.sessions[4 : 4 + most]:
        error("internal_error")(record)
    assert passes(result, "internal_error_ratio")
    error("internal_error", 14.0)(result.sessions[4 + most])
    row = row_of(result, "internal_error_ratio")
    assert row.verdict is Verdict.FAIL
    assert (row.seen, row.observed) == (most + 1, f"{most + 1} of {len(result.sessions + result.probes)} sessions")
    assert row.evidence[-1].at_s == 14.0


# --- resume ---


def test_a_refused_resume_is_counted_and_not_judged() -> None:
    result = faulty_run()
    record = result.sessions[UNTOUCHED]
    record.note(12 * NS_PER_S, EventKind.RESUME_SENT, "3")
    error("resume_not_available")(record)
    lose(record)
    assert row_of(result, "resume_exactly_once").observed == "1 resumes, 0 sessions wrong, 1 refused"
    assert passes(result, "resume_exactly_once")


def test_where_every_resume_was_refused_nothing_was_shown() -> None:
    result = faulty_run()
    error("resume_not_available")(result.sessions[CUT])
    row = row_of(result, "resume_exactly_once")
    assert (row.verdict, row.observed) == (
        Verdict.NOT_ASSESSABLE,
        "1 resumes, all answered resume_not_available",
    )
    assert row_of(healthy_run("mixed", load=SHORT), "resume_exactly_once").observed == "no session resumed"


def test_a_unit_never_sent_counts_as_changed_by_the_resume() -> None:
    result = faulty_run()
    record = result.sessions[CUT]
    receive(record, len(record.plan.text) + 3, len(record.plan.text) + 3)
    row = row_of(result, "resume_exactly_once")
    assert row.verdict is Verdict.FAIL
    assert "changed" in row.evidence[0].what
    assert row.evidence[0].at_s == 12.0


# --- cancel ---


def cancelled_at(stop_ms: float) -> RunResult:
    result = faulty_run()
    record = result.sessions[CANCELLED]
    sent_ns = record.times(EventKind.CANCEL_SENT)[0]
    record.events = record.events[:-2]
    finish(record, sent_ns + round(stop_ms * NS_PER_MS), cancelled=True)
    return result


def test_the_slowest_stop_is_named_and_the_limit_itself_is_kept() -> None:
    result = cancelled_at(Limits().cancel_stop_ms)
    assert row_of(result, "cancel_respected").observed == "1 cancels, slowest stop 2000 ms, 0 wrong"
    assert passes(result, "cancel_respected")
    assert not passes(cancelled_at(Limits().cancel_stop_ms + 1), "cancel_respected")


@pytest.mark.parametrize(
    ("text_ended", "at_mark", "late_ms", "kept"),
    [
        (False, True, 100, True),
        (False, True, 300, False),
        (False, False, 100, False),
        (True, False, 100, True),
        (True, False, 300, False),
    ],
)
def test_audio_after_cancel_is_forgiven_where_it_crossed_it(
    text_ended: bool, at_mark: bool, late_ms: int, kept: bool
) -> None:
    result = faulty_run()
    record = result.sessions[CANCELLED]
    sent_ns = record.times(EventKind.CANCEL_SENT)[0]
    if text_ended:
        record.note(sent_ns, EventKind.TEXT_END_SENT)
    text, begun = record.plan.text, record.chunk_end[-1] + 1
    mark = next(unit for unit in range(begun, 60) if text[unit] in "，。！？；：")
    send_all(record, 0)
    for unit in range(len(record.sent_ns), mark + 1):
        record.sent(record.plan.due_ns(unit), 0)
    end = mark if at_mark else mark - 1
    receive(record, begun, end, sent_ns + late_ms * NS_PER_MS, ChunkFlag.AFTER_CANCEL)
    assert passes(result, "cancel_respected") is kept


def cancelled_slow_reader(*pauses: tuple[float, float]) -> tuple[RunResult, SessionRecord]:
    """A cancel whose answer, and audio that crossed it, came after 5 s; seconds are from the cancel."""
    result = cancelled_at(5000)
    record = result.sessions[CANCELLED]
    sent_ns = record.times(EventKind.CANCEL_SENT)[0]
    receive(record, 39, 40, sent_ns + 4 * NS_PER_S, ChunkFlag.AFTER_CANCEL | ChunkFlag.TONE_READ)
    record.note(sent_ns, EventKind.TEXT_END_SENT)
    result.header.planned_faults.extend(
        to_builtins(SlowReader(session=CANCELLED, at_ns=sent_ns + round(a * NS_PER_S), pause_ns=round(b * NS_PER_S)))
        for a, b in pauses
    )
    return result, record


@pytest.mark.parametrize(
    ("pauses", "kept"),
    [
        ([(-1.0, 6.0)], True),
        ([(2.0, 3.0)], True),
        ([(2.1, 3.0)], False),  # The gateway had had its time by then.
        ([(-5.0, 4.0)], True),  # A second later all of it is heard.
        ([(-5.0, 3.9)], False),
        ([(-9.0, 1.0), (-1.0, 4.0)], True),
        ([], False),
    ],
)
def test_who_reads_slowly_hears_late_that_a_cancel_was_respected(pauses: list[tuple[float, float]], kept: bool) -> None:
    assert passes(cancelled_slow_reader(*pauses)[0], "cancel_respected") is kept


def test_a_slow_reader_s_cancel_has_to_be_answered_all_the_same() -> None:
    result, record = cancelled_slow_reader((-1.0, 6.0))
    record.events = [event for event in record.events if event.kind is not EventKind.ENDED]
    assert "no tts_end after cancel" in row_of(result, "cancel_respected").evidence[0].what


@pytest.mark.parametrize(
    ("code", "slow", "resumed", "kept"),
    [
        ("backpressure", True, False, True),
        ("backpressure", False, True, False),
        ("resume_not_available", False, True, True),
        ("resume_not_available", True, False, False),
        ("internal_error", True, True, False),
    ],
)
def test_an_error_that_the_plan_causes_may_cross_a_cancel(code: str, slow: bool, resumed: bool, kept: bool) -> None:
    result = faulty_run()
    record = result.sessions[CANCELLED]
    sent_ns = record.times(EventKind.CANCEL_SENT)[0]
    record.events = [event for event in record.events if event.kind is not EventKind.ENDED]
    if slow:
        fault = SlowReader(session=CANCELLED, at_ns=sent_ns - NS_PER_S, pause_ns=NS_PER_S)
        result.header.planned_faults.append(to_builtins(fault))
    if resumed:
        record.note(sent_ns - NS_PER_MS, EventKind.RESUME_SENT, "38")
    record.note(sent_ns + NS_PER_MS, EventKind.ERROR, f"{code}: said so")
    assert passes(result, "cancel_respected") is kept


def test_who_had_ended_the_text_may_hear_that_nothing_was_left_to_cancel() -> None:
    result = faulty_run()
    record = result.sessions[CANCELLED]
    sent_ns = record.times(EventKind.CANCEL_SENT)[0]
    record.events = record.events[:-2]
    finish(record, sent_ns + NS_PER_MS)
    assert not passes(result, "cancel_respected")
    record.note(sent_ns, EventKind.TEXT_END_SENT)
    assert passes(result, "cancel_respected")


# --- slow readers and isolation ---


def test_pressed_and_recovered_are_counted() -> None:
    row = row_of(faulty_run(), "slow_readers_contained")
    assert row.observed == "1 ended by backpressure, 1 recovered, 0 wrong"


def test_a_slow_reader_whose_loss_is_explained_has_recovered() -> None:
    result = faulty_run()
    record = result.sessions[SLOW]
    record.note(20 * NS_PER_S, EventKind.CANCEL_SENT)
    lose(record, len(record.chunk_end) - 1)
    assert passes(result, "slow_readers_contained")


def test_a_loss_without_backpressure_is_red_though_nobody_met_the_bound() -> None:
    result = faulty_run()
    result.sessions[PRESSED] = healthy_run(load=result.header.load).sessions[PRESSED]
    lose(result.sessions[SLOW])
    assert row_of(result, "slow_readers_contained").verdict is Verdict.FAIL


def slowed(result: RunResult, by_ms: int, from_s: float = 10, to_s: float = 16) -> RunResult:
    for record in result.sessions[4:]:
        for number, end in enumerate(record.chunk_end):
            if from_s * NS_PER_S <= record.sent_ns[end] < to_s * NS_PER_S:
                record.received_ns[number] += by_ms * NS_PER_MS
    return result


@pytest.mark.parametrize(
    ("by_ms", "limits", "red"),
    [
        (40, Limits(), False),
        (60, Limits(), True),
        (60, Limits(isolation_rise_ms=80), False),
        (60, Limits(isolation_rise_ms=0, isolation_rise_share=50), False),
        (60, Limits(isolation_rise_ms=0, isolation_rise_share=10), True),
    ],
)
def test_a_rise_matters_beyond_the_milliseconds_and_the_share_allowed(by_ms: int, limits: Limits, red: bool) -> None:
    assert passes(slowed(faulty_run(), by_ms), "isolation_latency", limits) is not red


def test_being_slow_all_the_time_or_only_in_the_calm_is_no_lack_of_isolation() -> None:
    assert passes(slowed(faulty_run(), 300, 0, 40), "isolation_latency")
    assert passes(slowed(faulty_run(), 300, 0, 10), "isolation_latency")


def test_isolation_names_the_slowest_chunk_during_the_pause() -> None:
    result = slowed(faulty_run(), 300)
    slowest = result.sessions[7]
    number = next(n for n, end in enumerate(slowest.chunk_end) if slowest.sent_ns[end] > 11 * NS_PER_S)
    slowest.received_ns[number] += 500 * NS_PER_MS
    (piece,) = row_of(result, "isolation_latency").evidence
    assert piece.session == slowest.plan.session_id
    assert piece.what == "service time 803 ms while others read slowly"


@pytest.mark.parametrize(("at_s", "pause_s"), [(0, 29), (10, 0)])
def test_too_little_beside_the_pause_or_within_it_is_not_assessable(at_s: int, pause_s: int) -> None:
    result = slowed(faulty_run(), 300)
    pause = [SlowReader(session=2, at_ns=at_s * NS_PER_S, pause_ns=pause_s * NS_PER_S)]
    result.header = replace(result.header, planned_faults=to_builtins(pause))
    row = row_of(result, "isolation_latency")
    assert row.verdict is Verdict.NOT_ASSESSABLE
    assert "too few to compare" in row.observed


def test_untouched_are_those_that_no_fault_names() -> None:
    result = faulty_run()
    assert row_of(result, "isolation_errors").observed == "0 in 8 untouched sessions"
    error("internal_error")(result.sessions[CANCELLED])
    assert passes(result, "isolation_errors")


# --- the gateway itself was broken: what was on its way meanwhile is the plan's doing ---


def broken(result: RunResult, from_s: float, to_s: float) -> RunResult:
    result.gateway_faults = [GatewayFaultLine("gateway_pause", round(from_s * NS_PER_S), round(to_s * NS_PER_S))]
    return result


@pytest.mark.parametrize(("to_s", "red"), [(10.2, True), (13.0, False)])
def test_a_gateway_stopped_by_plan_while_some_read_slowly_is_not_slow_because_of_them(to_s: float, red: bool) -> None:
    """The second after it belongs to it; what is slow longer is slow for another reason."""
    result = broken(slowed(faulty_run(), 800, 10, 14), 10, to_s)
    assert (row_of(result, "isolation_latency").verdict is Verdict.FAIL) is red


def test_a_gateway_stopped_by_plan_has_no_slow_tail_for_it() -> None:
    rows = ("ttfa_p99_stable", "unit_latency_p99_stable", "service_time_p99_stable")
    result = healthy_run(
        service=lambda sent_ns: (3 if not 14 * NS_PER_S <= sent_ns < 16 * NS_PER_S else 2000) * NS_PER_MS
    )
    assert not all(passes(result, row_id) for row_id in rows)
    assert all(passes(broken(result, 14, 16), row_id) for row_id in rows)
    result.gateway_faults = [GatewayFaultLine("gateway_logs", 14 * NS_PER_S, 16 * NS_PER_S)]
    assert not all(passes(result, row_id) for row_id in rows), "a log that nobody takes slows no sound gateway"


@pytest.mark.parametrize(
    ("from_s", "to_s", "verdict"),
    [
        (0.5, 1.0, Verdict.FAIL),
        (0.0, 8.0, Verdict.NOT_ASSESSABLE),
        (9.0, 10.0, Verdict.NOT_ASSESSABLE),
        (28.0, 29.0, Verdict.FAIL),
    ],
)
def test_a_cancel_is_judged_where_the_gateway_was_whole(from_s: float, to_s: float, verdict: Verdict) -> None:
    result = broken(cancelled_at(5000), from_s, to_s)
    row = row_of(result, "cancel_respected")
    assert row.verdict is verdict
    if verdict is Verdict.NOT_ASSESSABLE:
        assert row.observed == "every cancel met a gateway that the plan had broken"


# --- what the gateway holds ---

MIB = 1024 * 1024


def sampled(*rss_mib: float, unsent_mib: float = 0.0) -> RunResult:
    """A run of four sessions whose gateway took so much memory, a second apart; the unsent audio in the middle."""
    result = healthy_run(load=SHORT)
    result.samples = [
        GatewaySample(second * NS_PER_S, 0.1, round(mib * MIB), 6, round(unsent_mib * MIB) if second == 1 else 0)
        for second, mib in enumerate(rss_mib)
    ]
    return result


def allowed_growth_mib() -> float:
    records = sampled(60).sessions + sampled(60).probes
    sent_mib = sum(sum(record.pcm_bytes) for record in records) / MIB
    return Limits().memory_floor_mib + Limits().memory_audio_factor * sent_mib


def test_memory_may_grow_by_the_floor_and_what_the_audio_explains() -> None:
    kept, over = sampled(60, 80, 60 + allowed_growth_mib()), sampled(60, 80, 61 + allowed_growth_mib())
    assert passes(kept, "gateway_resources")
    row = row_of(over, "gateway_resources")
    assert row.verdict is Verdict.FAIL
    (piece,) = row.evidence
    assert (piece.at_s, piece.what.startswith(f"memory grew by {1 + allowed_growth_mib():.0f} MiB")) == (2.0, True)
    assert row.observed == f"memory +{1 + allowed_growth_mib():.0f} MiB, at most 0.0 MiB unsent"


def test_memory_that_came_down_again_has_not_grown() -> None:
    assert passes(sampled(60, 600, 60), "gateway_resources")
    assert row_of(sampled(80, 70, 60), "gateway_resources").observed.startswith("memory -20 MiB")


def test_unsent_audio_is_bounded_by_session() -> None:
    assert passes(sampled(60, 60, 60, unsent_mib=SHORT.sessions), "gateway_resources")
    (piece,) = row_of(sampled(60, 60, 60, unsent_mib=SHORT.sessions + 0.5), "gateway_resources").evidence
    assert (piece.at_s, piece.what) == (1.0, "4.5 MiB of audio wait for readers")


def test_one_chunk_more_may_wait_than_the_bound_however_large_it_is() -> None:
    for chunk_mib, kept in ((0.5, True), (0.49, False)):
        result = sampled(60, 60, 60, unsent_mib=SHORT.sessions * 1.5)
        result.sessions[0].pcm_bytes[-1] = round(chunk_mib * MIB)
        assert passes(result, "gateway_resources") is kept


@pytest.mark.parametrize(
    ("unsent_mib", "broken", "kept"), [(3.0, False, True), (3.5, False, False), (12.0, True, True), (12.5, True, False)]
)
def test_audio_may_wait_for_who_reads_slowly_or_was_cut_off(unsent_mib: float, broken: bool, kept: bool) -> None:
    result = faulty_run()
    if broken:
        result.gateway_faults = [GatewayFaultLine("gateway_restart", 10 * NS_PER_S, 11 * NS_PER_S)]
    result.samples = [replace(sample, unsent_bytes=round(unsent_mib * MIB)) for sample in result.samples]
    assert passes(result, "gateway_resources") is kept


def test_a_process_that_cannot_be_seen_is_not_judged() -> None:
    assert row_of(sampled(60, 600), "gateway_resources").verdict is Verdict.NOT_ASSESSABLE
    from_a_page = sampled(60, 60, 6000)
    from_a_page.samples = [replace(sample, sockets=-1) for sample in from_a_page.samples]
    assert row_of(from_a_page, "gateway_resources").verdict is Verdict.NOT_ASSESSABLE
    unknown = sampled(60, 60, 60)
    unknown.samples = [replace(sample, unsent_bytes=-1) for sample in unknown.samples]
    assert row_of(unknown, "gateway_resources").observed == "memory +0 MiB"


# --- the flush rule, where the gateway claims it ---


def merged(chunks: int, rule: str = "v1") -> RunResult:
    """The first chunks of one session came as one: there is a mark inside."""
    result = healthy_run(load=SHORT)
    result.header = replace(result.header, gateway={"flush_rule": rule})
    record = result.sessions[1]
    for _ in range(chunks - 1):
        record.chunk_end[0] = record.chunk_end[1]
        for column in (record.received_ns, record.chunk_start, record.chunk_end, record.pcm_bytes, record.flags):
            del column[1]
        del record.chunk_seq[-1]
    return result


@pytest.mark.parametrize(("chunks", "rule", "red"), [(1, "v1", False), (2, "v1", True), (2, "", False)])
def test_a_chunk_that_goes_past_a_mark_is_red_where_the_rule_is_claimed(chunks: int, rule: str, red: bool) -> None:
    row = row_of(merged(chunks, rule), "session_errors")
    assert (row.verdict is Verdict.FAIL) is red
    if red:
        record = merged(chunks).sessions[1]
        assert row.evidence[0].at_s == pytest.approx(record.received_ns[0] / NS_PER_S, abs=1e-5)
        text = record.plan.text[: record.chunk_end[0] + 1]
        assert row.evidence[0].what == f"not flushed by the rule: {text!r} in one chunk"


@pytest.mark.parametrize(("units", "late"), [(24, False), (25, True)])
def test_24_units_are_one_chunk_and_25_are_not(units: int, late: bool) -> None:
    assert flushed_late("字" * units) is late
    assert not flushed_late("字。")
    assert flushed_late("。字")


def test_what_came_instead_of_the_text_is_what_was_flushed() -> None:
    result = healthy_run(load=SHORT)
    result.header = replace(result.header, gateway={"flush_rule": "v1"})
    result.sessions[1].wrong_text[0] = "。" + "x" * 5
    assert "'。xxxxx' in one chunk" in row_of(result, "session_errors").evidence[0].what


def test_of_one_session_three_late_flushes_are_enough() -> None:
    result = merged(1)
    result.sessions[1].wrong_text |= dict.fromkeys(range(5), "。字")
    assert row_of(result, "session_errors").seen == 3


# --- errors that the plan explains ---


@pytest.mark.parametrize(
    ("index", "kind", "detail", "explained"),
    [
        (PRESSED, EventKind.ERROR, "backpressure: x", True),
        (CUT, EventKind.ERROR, "resume_not_available: x", True),
        (CUT, EventKind.ERROR, "backpressure: x", False),
        (SLOW, EventKind.ERROR, "resume_not_available: x", False),
        (SLOW, EventKind.FAILED, "backpressure: x", False),
        (CUT, EventKind.FAILED, PLANNED_LEAVE, True),
        (CUT, EventKind.VIOLATION, PLANNED_LEAVE, False),
    ],
)
def test_an_error_is_explained_by_its_own_fault_alone(
    index: int, kind: EventKind, detail: str, explained: bool
) -> None:
    result = faulty_run()
    result.sessions[index].note(13 * NS_PER_S, kind, detail)
    assert passes(result, "session_errors") is explained


# --- the run itself ---


def test_a_run_broken_off_before_anything_was_sent_is_no_silent_gateway() -> None:
    result = empty_run("baseline", SHORT.checked())
    result.footer = None
    row_ids = ("missing_units", "sent_equals_received", "duplicate_units", "audio_integrity", "session_end")
    assert {row_of(result, row_id).verdict for row_id in row_ids} == {Verdict.INVALID}


@pytest.mark.parametrize(("lateness_ms", "delay_ms", "valid"), [(99, 149, True), (103, 1, False), (1, 152, False)])
def test_lateness_and_loop_delay_each_have_their_limit(lateness_ms: int, delay_ms: int, valid: bool) -> None:
    result = healthy_run(load=SHORT)
    for record in result.sessions:
        for unit in range(len(record.lateness_ns)):
            record.lateness_ns[unit] = lateness_ms * NS_PER_MS
    result.loop_delays_ns = [delay_ms * NS_PER_MS] * 100
    assert passes(result, "run_valid") is valid


def test_a_run_too_short_for_a_loop_delay_is_valid() -> None:
    result = healthy_run(load=SHORT)
    result.loop_delays_ns = []
    assert passes(result, "run_valid")


def test_a_loop_delay_that_comes_once_in_a_hundred_is_no_p99() -> None:
    result = healthy_run(load=SHORT)
    result.loop_delays_ns = [NS_PER_MS] * 199 + [400 * NS_PER_MS]
    assert passes(result, "run_valid")
    result.loop_delays_ns = [NS_PER_MS] * 98 + [400 * NS_PER_MS] * 2
    assert not passes(result, "run_valid")


def test_what_the_protocol_explains_is_still_an_error_of_somebody_untouched() -> None:
    result = faulty_run()
    record = result.sessions[UNTOUCHED]
    record.note(12 * NS_PER_S, EventKind.RESUME_SENT, "3")
    error("resume_not_available", 13.0)(record)
    assert passes(result, "session_errors")
    (piece,) = row_of(result, "isolation_errors").evidence
    assert (piece.at_s, piece.session) == (13.0, record.plan.session_id)


def test_where_everybody_fails_the_load_is_named_before_the_probes() -> None:
    result = healthy_run(load=LoadPlan(sessions=4, duration_s=30.0))
    for record in (*result.sessions, *result.probes):
        record.note(NS_PER_S if record.plan.probe else 20 * NS_PER_S, EventKind.FAILED, "closed with 1011")
    row = row_of(result, "session_errors")
    named = {piece.session for piece in row.evidence}
    assert named >= {record.plan.session_id for record in result.sessions}
    assert len(row.evidence) == 20 < row.seen
    assert [piece.at_s for piece in row.evidence] == sorted(piece.at_s for piece in row.evidence)
