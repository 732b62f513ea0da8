"""Every row passes on a healthy run, and fails on its own fault with evidence that names session and time."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import ChunkFlag, EventKind, RunResult, SessionRecord
from pytest_wdtts.verdict import Limits, Row, Verdict, judge, row_ids
from tests.builders import faulty_run, finish, healthy_run, pressed, receive

ALL = (
    "run_valid",
    "session_errors",
    "missing_units",
    "duplicate_units",
    "mismatched_units",
    "sent_equals_received",
    "unit_order",
    "audio_integrity",
    "session_end",
    "gateway_resources",
)
MIXED = ("error_types", "internal_error_ratio", "resume_exactly_once", "cancel_respected")
HEAVY = ("slow_readers_contained", "isolation_errors", "isolation_latency")
STABLE = ("ttfa_p99_stable", "unit_latency_p99_stable", "service_time_p99_stable")


def rows(result: RunResult, limits: Limits | None = None) -> dict[str, Row]:
    return {row.id: row for row in judge(result, limits)}


def spoilt(result: RunResult) -> dict[str, Row]:
    """The rows that are no pass."""
    return {row_id: row for row_id, row in rows(result).items() if row.verdict is not Verdict.PASS}


def test_row_ids_are_the_contracts() -> None:
    assert set(row_ids("baseline")) == {*ALL, *STABLE}
    assert set(row_ids("mixed")) == {*ALL, *MIXED}
    assert set(row_ids("heavy")) == {*ALL, *MIXED, *HEAVY}


@pytest.mark.parametrize("scenario", ["baseline", "mixed", "heavy", "my_own"])
def test_judge_gives_every_row_once_in_order(scenario: str) -> None:
    assert tuple(row.id for row in judge(healthy_run(scenario, LoadPlan(sessions=2, duration_s=6.0)))) == row_ids(
        scenario
    )


def test_healthy_baseline_passes_every_row() -> None:
    assert spoilt(healthy_run()) == {}


@pytest.mark.parametrize("scenario", ["mixed", "heavy"])
def test_a_gateway_that_withstands_every_fault_passes_every_row(scenario: str) -> None:
    assert spoilt(faulty_run(scenario)) == {}


@pytest.mark.parametrize("row_id", ["resume_exactly_once", "cancel_respected", "slow_readers_contained"])
def test_what_was_not_tried_is_not_assessable_never_a_pass(row_id: str) -> None:
    row = rows(healthy_run("heavy"))[row_id]
    assert row.verdict is Verdict.NOT_ASSESSABLE
    assert row.observed


def test_where_nothing_was_sent_or_heard_no_row_passes_for_it() -> None:
    load = LoadPlan(sessions=2, duration_s=6.0)
    refused, deaf = healthy_run(load=load), healthy_run(load=load)
    refused.sessions[:] = [SessionRecord(record.plan) for record in refused.sessions]
    deaf.sessions[:] = [SessionRecord(record.plan) for record in deaf.sessions]
    for record in deaf.sessions:
        record.sent(record.plan.first_unit_ns, lateness_ns=0)
    refused.probes.clear()
    deaf.probes.clear()
    of_sent = {"missing_units", "sent_equals_received"}
    of_heard = {"duplicate_units", "mismatched_units", "unit_order", "audio_integrity", "session_end"}
    assert {row_id: rows(refused)[row_id].verdict for row_id in of_sent | of_heard} == dict.fromkeys(
        of_sent | of_heard, Verdict.NOT_ASSESSABLE
    )
    assert {rows(deaf)[row_id].verdict for row_id in of_sent} == {Verdict.FAIL}
    assert {rows(deaf)[row_id].verdict for row_id in of_heard} == {Verdict.NOT_ASSESSABLE}
    assert rows(refused)["missing_units"].observed == "no unit was sent"


def test_slow_readers_that_never_met_the_bound_prove_nothing() -> None:
    result = faulty_run()
    result.sessions[3] = healthy_run(load=result.header.load).sessions[3]
    row = rows(result)["slow_readers_contained"]
    assert row.verdict is Verdict.NOT_ASSESSABLE
    assert "0 ended by backpressure, 2 recovered" in row.observed
    assert "never reached" in row.observed


# --- baseline: one fault each, in session 1, and the rows that it turns red ---


def drop_chunk(record: SessionRecord) -> None:
    for column in (record.received_ns, record.chunk_start, record.chunk_end, record.pcm_bytes, record.flags):
        del column[5]
    del record.chunk_seq[-1]


def lose_units_of_a_chunk(record: SessionRecord) -> None:
    record.chunk_end[5] -= 1


def double_chunk(record: SessionRecord) -> None:
    receive(record, record.chunk_start[-1], record.chunk_end[-1])


def swap_chunks(record: SessionRecord) -> None:
    for column in (record.chunk_start, record.chunk_end):
        column[5], column[6] = column[6], column[5]


def flag(which: ChunkFlag) -> Callable[[SessionRecord], None]:
    def raise_flag(record: SessionRecord) -> None:
        record.flags[5] |= which

    return raise_flag


def note(kind: EventKind, detail: str) -> Callable[[SessionRecord], None]:
    return lambda record: record.note(12 * NS_PER_S, kind, detail)


def forget_the_end(record: SessionRecord) -> None:
    record.events = [event for event in record.events if event.kind is not EventKind.ENDED]


BASELINE: list[tuple[str, Callable[[SessionRecord], None], set[str], str]] = [
    ("error", note(EventKind.ERROR, "internal_error: oops"), {"session_errors"}, "internal_error: oops"),
    ("backpressure", note(EventKind.ERROR, "backpressure: slow"), {"session_errors"}, "backpressure: slow"),
    ("failure", note(EventKind.FAILED, "no tts_end within 10 s"), {"session_errors"}, "no tts_end within 10 s"),
    ("violation", note(EventKind.VIOLATION, "binary frame"), {"session_errors"}, "binary frame"),
    ("missing", drop_chunk, {"missing_units", "sent_equals_received"}, "missing: units"),
    ("short chunk", lose_units_of_a_chunk, {"missing_units", "sent_equals_received"}, "1 missing: units"),
    ("duplicate", double_chunk, {"duplicate_units"}, "duplicate: units"),
    ("mismatch", lambda record: record.wrong_text.update({5: "?"}), {"mismatched_units"}, "; sent '"),
    ("unexpected", lambda record: receive(record, 500, 502), {"mismatched_units"}, "unexpected (never sent)"),
    ("order", swap_chunks, {"unit_order"}, "out of order: units"),
    ("gap", lambda record: record.chunk_seq.__setitem__(-1, 999), {"unit_order"}, "chunk_seq 999 after"),
    ("silence", flag(ChunkFlag.SILENT), {"audio_integrity"}, "SILENT in units"),
    ("wrong units", flag(ChunkFlag.WRONG_UNITS), {"audio_integrity"}, "WRONG_UNITS in units"),
    ("broken base64", flag(ChunkFlag.BAD_BASE64), {"audio_integrity"}, "BAD_BASE64 in units"),
    ("wrong end", note(EventKind.END_VIOLATION, "tts_end after the end"), {"session_end"}, "tts_end after the end"),
    ("audio after the end", flag(ChunkFlag.AFTER_END), {"session_end"}, "1 chunks after the end"),
    ("no end", forget_the_end, {"session_end"}, "no tts_end"),
]


@pytest.mark.parametrize(("spoil", "red", "words"), [case[1:] for case in BASELINE], ids=[case[0] for case in BASELINE])
def test_baseline_each_fault_turns_its_rows_red_and_no_other(
    spoil: Callable[[SessionRecord], None], red: set[str], words: str
) -> None:
    result = healthy_run()
    record = result.sessions[1]
    spoil(record)
    found = spoilt(result)
    assert set(found) == red
    for row in found.values():
        assert row.verdict is Verdict.FAIL
        assert row.seen == len(row.evidence) > 0
        assert {piece.session for piece in row.evidence} == {record.plan.session_id}
        assert 0 <= row.evidence[0].at_s <= 33
        assert row.observed
        assert row.limit
    assert any(words in piece.what for row in found.values() for piece in row.evidence)


@pytest.mark.parametrize(
    ("spoil", "row_id"),
    [
        (note(EventKind.ERROR, "internal_error: oops"), "session_errors"),
        (lambda record: record.wrong_text.update({0: "?"}), "mismatched_units"),
        (double_chunk, "duplicate_units"),
        (note(EventKind.END_VIOLATION, "tts_end after the end"), "session_end"),
    ],
)
def test_probes_are_judged_by_the_same_rules(spoil: Callable[[SessionRecord], None], row_id: str) -> None:
    result = healthy_run()
    spoil(result.probes[1])
    (row,) = spoilt(result).values()
    assert (row.id, row.evidence[0].session) == (row_id, result.probes[1].plan.session_id)


@pytest.mark.parametrize(
    ("row_id", "red"),
    [
        ("service_time_p99_stable", {"service_time_p99_stable", "unit_latency_p99_stable"}),
        ("ttfa_p99_stable", {"ttfa_p99_stable", "service_time_p99_stable", "unit_latency_p99_stable"}),
    ],
)
def test_drift_turns_its_rows_red(row_id: str, red: set[str]) -> None:
    load = LoadPlan(sessions=8, duration_s=30.0)
    drifted = healthy_run(load=load, service=lambda sent_ns: 3 * NS_PER_MS + sent_ns * 40 // 1000)
    result = healthy_run(load=load)
    result.sessions = drifted.sessions
    if row_id == "ttfa_p99_stable":
        result.probes = drifted.probes
    found = spoilt(result)
    assert row_id in found
    assert set(found) <= red
    assert "p99 by window" in found[row_id].evidence[0].what


def test_a_slow_tail_is_red_where_no_trend_is() -> None:
    result = healthy_run(service=lambda sent_ns: 2 * NS_PER_S if sent_ns // NS_PER_MS % 10 == 0 else 3 * NS_PER_MS)
    row = rows(result)["service_time_p99_stable"]
    assert row.verdict is Verdict.FAIL
    assert "slower than" in row.evidence[0].what
    assert {piece.session for piece in row.evidence} <= {record.plan.session_id for record in result.sessions}
    of_units = rows(result)["unit_latency_p99_stable"]
    assert of_units.verdict is Verdict.PASS, "typing makes its own tail: of units only the trend is judged"
    assert "slower than" in row.limit
    assert "slower than" not in of_units.limit


def test_a_slow_tail_of_units_is_nobodys_fault_however_short_they_wait() -> None:
    """At 200 units a second ten medians of UnitLatency are less than 2 s: there is a tail, and the row lets it be."""
    load = LoadPlan(sessions=8, cps=200.0, duration_s=10.0, loop=True)
    every_ms = 977
    result = healthy_run(
        load=load, service=lambda sent_ns: 2 * NS_PER_S if sent_ns // NS_PER_MS % every_ms < 20 else 3 * NS_PER_MS
    )
    found = rows(result)
    assert found["service_time_p99_stable"].verdict is Verdict.FAIL
    of_units = found["unit_latency_p99_stable"]
    assert of_units.verdict is Verdict.PASS
    assert not of_units.observed.endswith(" 0 in the slow tail")


def test_a_rise_names_the_windows_from_which_on_it_was_slow() -> None:
    """Twenty windows of 1.25 s from 5 s on, 50 ms more in each: the fourth is the first to be 20 % of the median up."""
    result = healthy_run(service=lambda sent_ns: 3 * NS_PER_MS + sent_ns * 40 // 1000)
    curve, *windows = rows(result)["service_time_p99_stable"].evidence
    assert "p99 by window" in curve.what
    assert [piece.at_s for piece in windows] == [5 + 1.25 * number for number in range(3, 20)]
    assert curve.at_s == windows[0].at_s
    assert all(piece.what.endswith(" ms in this window") for piece in windows)


def test_a_gateway_that_gets_slow_at_one_blow_and_stays_so_is_red() -> None:
    result = healthy_run(service=lambda sent_ns: (300 if sent_ns >= 18 * NS_PER_S else 3) * NS_PER_MS)
    row = rows(result)["service_time_p99_stable"]
    assert row.verdict is Verdict.FAIL
    assert "p99 3.0 -> 300.0 ms over 20 windows, rise +297.0 ms" in row.observed
    assert 16 < row.evidence[0].at_s <= 18


def test_the_one_session_that_waits_is_named() -> None:
    result = healthy_run()
    stalled = healthy_run(service=lambda sent_ns: 2 * NS_PER_S).sessions[1]
    result.sessions[1] = stalled
    row = rows(result)["service_time_p99_stable"]
    assert row.verdict is Verdict.FAIL
    assert {piece.session for piece in row.evidence} == {stalled.plan.session_id}


def test_too_short_to_say_is_not_assessable() -> None:
    found = rows(healthy_run(load=LoadPlan(sessions=1, duration_s=3.0, probe_interval_s=0.0)))
    for row_id in STABLE:
        assert found[row_id].verdict in (Verdict.NOT_ASSESSABLE, Verdict.PASS)
    assert found["ttfa_p99_stable"].verdict is Verdict.NOT_ASSESSABLE
    assert "too few" in found["ttfa_p99_stable"].observed


# --- the run itself is no evidence ---


def interrupt(result: RunResult) -> None:
    assert result.footer
    result.footer = replace(result.footer, stopped="interrupted")


def kill(result: RunResult) -> None:
    result.footer = None


def be_late(result: RunResult) -> None:
    for record in result.sessions:
        for unit in range(len(record.lateness_ns)):
            record.lateness_ns[unit] = 300 * NS_PER_MS


def stall_our_loop(result: RunResult) -> None:
    result.loop_delays_ns = [400 * NS_PER_MS] * 100


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (interrupt, "partial run (interrupted)"),
        (kill, "partial run (the journal has no end: the process was killed)"),
        (be_late, "the generator was late"),
        (stall_our_loop, "the generator was late"),
    ],
)
def test_where_the_run_is_no_evidence_every_row_is_invalid(spoil: Callable[[RunResult], None], words: str) -> None:
    result = healthy_run()
    drop_chunk(result.sessions[0])
    spoil(result)
    found = rows(result)
    assert {row.verdict for row in found.values()} == {Verdict.INVALID}
    assert words in found["run_valid"].observed
    assert all(words in row.observed for row in found.values())
    assert "(seen: " in found["missing_units"].observed


def test_a_judge_that_crashes_is_invalid_and_the_others_go_on() -> None:
    result = healthy_run(load=LoadPlan(sessions=2, duration_s=6.0))
    result.sessions[0].flags.pop()
    found = rows(result)
    assert found["audio_integrity"].verdict is Verdict.INVALID
    assert "the judge itself failed: ValueError" in found["audio_integrity"].observed
    assert found["run_valid"].verdict is Verdict.PASS


# --- mixed and heavy ---

CUT, CANCELLED, SLOW, PRESSED, UNTOUCHED = 0, 1, 2, 3, 5


def at(index: int, spoil: Callable[[SessionRecord], None]) -> Callable[[RunResult], None]:
    return lambda result: spoil(result.sessions[index])


def internal_errors(result: RunResult) -> None:
    for record in result.sessions[4:]:
        note(EventKind.ERROR, "internal_error: oops")(record)


def everyone_is_pressed(result: RunResult) -> None:
    for index in range(2, 12):
        result.sessions[index] = pressed(result.sessions[index].plan)


def end_late(record: SessionRecord) -> None:
    sent_ns = record.times(EventKind.CANCEL_SENT)[0]
    record.events = record.events[:-2]
    finish(record, sent_ns + 5 * NS_PER_S, cancelled=True)


def end_uncancelled(record: SessionRecord) -> None:
    sent_ns = record.times(EventKind.CANCEL_SENT)[0]
    record.events = record.events[:-2]
    finish(record, sent_ns + NS_PER_MS)


def never_end(record: SessionRecord) -> None:
    record.events = record.events[:-2]
    record.note(25 * NS_PER_S, EventKind.FAILED, "no tts_end within 10 s")


def speak_on(record: SessionRecord) -> None:
    sent_ns = record.times(EventKind.CANCEL_SENT)[0]
    receive(record, record.chunk_end[-1] + 1, 40, sent_ns + NS_PER_S, ChunkFlag.AFTER_CANCEL)


def slow_down_during_the_pauses(result: RunResult) -> None:
    for record in result.sessions[4:]:
        for number, end in enumerate(record.chunk_end):
            if 10 * NS_PER_S <= record.sent_ns[end] < 15 * NS_PER_S:
                record.received_ns[number] += 300 * NS_PER_MS


FAULTY: list[tuple[str, Callable[[RunResult], None], str, str]] = [
    (
        "untouched got backpressure",
        at(UNTOUCHED, note(EventKind.ERROR, "backpressure: slow")),
        "error_types",
        "had not met the fault",
    ),
    (
        "foreign code",
        at(UNTOUCHED, note(EventKind.ERROR, "quota: no")),
        "error_types",
        "quota: not caused by any fault",
    ),
    ("more than the share", everyone_is_pressed, "error_types", "in a session that had not met the fault"),
    ("internal errors in bulk", internal_errors, "internal_error_ratio", "internal_error"),
    ("resume lost", at(CUT, drop_chunk), "resume_exactly_once", "lost"),
    ("resume doubled", at(CUT, double_chunk), "resume_exactly_once", "doubled"),
    ("resume reordered", at(CUT, swap_chunks), "resume_exactly_once", "reordered"),
    ("resume changed", at(CUT, lambda r: r.wrong_text.update({5: "?"})), "resume_exactly_once", "changed"),
    ("audio before resume", at(CUT, flag(ChunkFlag.BEFORE_RESUME)), "resume_exactly_once", "1 chunks before resume"),
    ("cancel answered late", at(CANCELLED, end_late), "cancel_respected", "5000 ms after cancel"),
    ("cancel not admitted", at(CANCELLED, end_uncancelled), "cancel_respected", "cancelled: false"),
    (
        "cancel ignored",
        at(CANCELLED, never_end),
        "cancel_respected",
        "no tts_end after cancel; seen: no tts_end within",
    ),
    ("audio after cancel", at(CANCELLED, speak_on), "cancel_respected", "audio 1000 ms after cancel"),
    ("slow reader lost units", at(SLOW, drop_chunk), "slow_readers_contained", "units lost and no backpressure"),
    (
        "full-speed reader got backpressure",
        at(UNTOUCHED, note(EventKind.ERROR, "backpressure: slow")),
        "slow_readers_contained",
        "reads at full speed",
    ),
    ("untouched saw an error", at(UNTOUCHED, note(EventKind.FAILED, "closed with 1006")), "isolation_errors", "1006"),
    ("untouched lost units", at(UNTOUCHED, drop_chunk), "isolation_errors", "units missing"),
    ("untouched were slow", slow_down_during_the_pauses, "isolation_latency", "while others read slowly"),
    ("untouched lost, overall", at(UNTOUCHED, drop_chunk), "missing_units", "missing"),
    ("slow reader lost, overall", at(SLOW, drop_chunk), "missing_units", "missing"),
    (
        "untouched error, overall",
        at(UNTOUCHED, note(EventKind.ERROR, "backpressure: x")),
        "session_errors",
        "backpressure",
    ),
]


@pytest.mark.parametrize(("spoil", "row_id", "words"), [case[1:] for case in FAULTY], ids=[case[0] for case in FAULTY])
def test_heavy_each_misbehaviour_turns_its_row_red(spoil: Callable[[RunResult], None], row_id: str, words: str) -> None:
    result = faulty_run()
    spoil(result)
    row = rows(result)[row_id]
    assert row.verdict is Verdict.FAIL, row
    assert any(words in piece.what for piece in row.evidence), row.evidence


def test_what_the_plan_explains_is_told_apart() -> None:
    row = rows(faulty_run())["missing_units"]
    assert row.verdict is Verdict.PASS
    assert row.observed.startswith("0 unexplained, ")
    assert "explained" in row.observed


def test_one_internal_error_is_not_bulk_but_still_an_unexplained_error() -> None:
    result = faulty_run()
    note(EventKind.ERROR, "internal_error: oops")(result.sessions[UNTOUCHED])
    found = rows(result)
    assert found["internal_error_ratio"].verdict is Verdict.PASS
    assert found["session_errors"].verdict is Verdict.FAIL


def test_limits_can_be_set() -> None:
    result = faulty_run()
    end_late(result.sessions[CANCELLED])
    assert rows(result, Limits(cancel_stop_ms=6000.0))["cancel_respected"].verdict is Verdict.PASS


def test_only_the_first_evidence_is_kept_and_all_is_counted() -> None:
    result = healthy_run()
    for record in result.sessions:
        for number in range(len(record.flags)):
            record.flags[number] |= ChunkFlag.SILENT
    row = rows(result)["audio_integrity"]
    assert len(row.evidence) == 20
    assert row.seen == sum(len(record.flags) for record in result.sessions)
    assert [piece.at_s for piece in row.evidence] == sorted(piece.at_s for piece in row.evidence)
