"""Each kind of wrong, from records by hand: the ledger names the very units, and nothing else."""

from collections.abc import Callable
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.ledger import SessionLedger, account
from pytest_wdtts.record import ChunkFlag, EventKind, SessionRecord
from tests.builders import finish, healthy, opened_record, receive, send_all, session_plan

TEXT = "您好，世界。再見。"  # chunks 0..2, 3..5, 6..8
CHUNKS = ((0, 2), (3, 5), (6, 8))


def record_of(*chunks: tuple[int, int], sent: int | None = None) -> SessionRecord:
    record = opened_record(session_plan(TEXT))
    send_all(record, sent)
    for start, end in chunks:
        receive(record, start, end)
    return record


def wrongs(ledger: SessionLedger) -> dict[str, object]:
    """What the ledger holds against the session; {} for a healthy one."""
    counts = asdict(ledger)
    account_of = ("session_id", "sent", "received", "last_received")
    return {name: value for name, value in counts.items() if value and name not in account_of}


def test_healthy() -> None:
    ledger = account(healthy(session_plan(TEXT)))
    assert wrongs(ledger) == {}
    assert (ledger.session_id, ledger.sent, ledger.received) == ("s", 9, 9)


def test_a_session_that_sent_nothing_owes_nothing() -> None:
    assert wrongs(account(opened_record(session_plan(TEXT)))) == {}


def doubled_seq(record: SessionRecord) -> None:
    record.chunk_seq[2] = record.chunk_seq[1]


def skipped_seq(record: SessionRecord) -> None:
    record.chunk_seq[1], record.chunk_seq[2] = 5, 6


def flag(which: ChunkFlag) -> Callable[[SessionRecord], None]:
    def raise_flag(record: SessionRecord) -> None:
        record.flags[1] |= which

    return raise_flag


def say(number: int, text: str) -> Callable[[SessionRecord], None]:
    def misread(record: SessionRecord) -> None:
        record.wrong_text[number] = text

    return misread


CASES: list[tuple[str, list[tuple[int, int]], Callable[[SessionRecord], None] | None, dict[str, object]]] = [
    ("missing at the end", [(0, 2), (3, 5)], None, {"missing": [6, 7, 8]}),
    ("missing in the middle", [(0, 2), (6, 8)], None, {"missing": [3, 4, 5]}),
    ("missing within a chunk's span", [(0, 1), (3, 5), (6, 8)], None, {"missing": [2]}),
    ("duplicate", [*CHUNKS, (6, 8)], None, {"duplicate": [6, 7, 8]}),
    ("overlap", [(0, 2), (2, 5), (6, 8)], None, {"duplicate": [2]}),
    ("three times", [*CHUNKS, (8, 8), (8, 8)], None, {"duplicate": [8, 8]}),
    ("late but first", [(3, 5), (0, 2), (6, 8)], None, {"out_of_order": [0, 1, 2]}),
    ("beyond what was sent", [*CHUNKS, (9, 11)], None, {"unexpected": [9, 11]}),
    ("one unit beyond", [(0, 2), (3, 5), (6, 9)], None, {"unexpected": [9]}),
    ("negative", [*CHUNKS, (-3, -1)], None, {"unexpected": [-3, -1]}),
    ("from below zero", [(-1, 2), (3, 5), (6, 8)], None, {"unexpected": [-1]}),
    ("backwards", [*CHUNKS, (5, 3)], None, {"unexpected": [5, 3]}),
    ("gap in chunk_seq", list(CHUNKS), skipped_seq, {"seq_gaps": [1]}),
    ("chunk_seq twice", list(CHUNKS), doubled_seq, {"seq_gaps": [2]}),
    ("other text", list(CHUNKS), say(1, "世間。"), {"mismatched": [4]}),
    ("all other text", list(CHUNKS), say(1, "abc"), {"mismatched": [3, 4, 5]}),
    ("text too short", list(CHUNKS), say(1, "世"), {"mismatched": [4, 5]}),
    ("no text", list(CHUNKS), say(0, ""), {"mismatched": [0, 1, 2]}),
    ("text too long", list(CHUNKS), say(1, "世界。再"), {"mismatched": [6]}),
    ("after the end", list(CHUNKS), flag(ChunkFlag.AFTER_END), {"after_end": 1}),
    ("after cancel", list(CHUNKS), flag(ChunkFlag.AFTER_CANCEL), {"after_cancel": 1}),
    ("silent", list(CHUNKS), flag(ChunkFlag.SILENT), {"audio_faults": [(1, ChunkFlag.SILENT)]}),
    ("a remark is no fault", list(CHUNKS), flag(ChunkFlag.WHILE_SLOW | ChunkFlag.BEFORE_RESUME), {}),
]


@pytest.mark.parametrize(("chunks", "spoil", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_wrong_is_named_and_nothing_else(
    chunks: list[tuple[int, int]], spoil: Callable[[SessionRecord], None] | None, expected: dict[str, object]
) -> None:
    record = record_of(*chunks)
    if spoil:
        spoil(record)
    assert wrongs(account(record)) == expected


def test_units_received_before_they_were_sent_are_unexpected_not_received() -> None:
    ledger = account(record_of((0, 2), (3, 5), sent=4))
    assert (ledger.sent, ledger.received) == (4, 4)
    assert ledger.unexpected == [5]


@given(st.lists(st.tuples(st.integers(-3, 12), st.integers(-3, 12)), max_size=12), st.integers(0, 9))
def test_every_sent_unit_is_received_or_missing_whatever_comes(chunks: list[tuple[int, int]], sent: int) -> None:
    record = record_of(sent=sent)
    for number, (start, end) in enumerate(chunks):
        record.received(1_000 + number, number, start, end, 0, 0)
    ledger = account(record)
    assert ledger.received + len(ledger.missing) == ledger.sent == sent
    deliveries = [u for start, end in chunks for u in range(max(start, 0), min(end + 1, sent))]
    assert len(ledger.duplicate) == len(deliveries) - len(set(deliveries))
    assert set(range(sent)) - set(ledger.missing) == set(deliveries)
    assert set(ledger.out_of_order) <= set(deliveries)


@pytest.mark.parametrize(
    ("events", "slow_reader", "explained"),
    [
        ([], False, ""),
        ([(EventKind.CANCEL_SENT, "")], False, "cancelled"),
        ([(EventKind.ERROR, "backpressure: too slow")], True, "backpressure"),
        ([(EventKind.ERROR, "backpressure: too slow")], False, ""),
        ([(EventKind.ERROR, "internal_error: oops")], True, ""),
        ([], True, ""),
        ([(EventKind.ERROR, "resume_not_available: gone"), (EventKind.REPLACED, "from unit 3")], False, "replaced"),
        ([(EventKind.ERROR, "resume_not_available: gone")], False, ""),
        ([(EventKind.FAULT, "reset"), (EventKind.FAILED, "closed with 1006")], False, ""),
    ],
)
def test_only_plan_and_protocol_explain_what_is_missing(
    events: list[tuple[EventKind, str]], slow_reader: bool, explained: str
) -> None:
    record = record_of((0, 2))
    for kind, detail in events:
        record.note(10**9, kind, detail)
    ledger = account(record, slow_reader)
    assert ledger.missing == [3, 4, 5, 6, 7, 8]
    assert ledger.explained == explained
    assert ledger.unexplained_missing == ([] if explained else ledger.missing)


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        (EventKind.CANCEL_SENT, ""),
        (EventKind.REPLACED, "from unit 6"),
        (EventKind.ERROR, "backpressure: too slow"),
    ],
)
def test_a_hole_before_what_came_is_explained_by_nothing_that_happened_later(kind: EventKind, detail: str) -> None:
    record = record_of((0, 1), (3, 5))
    record.note(10**9, kind, detail)
    ledger = account(record, slow_reader=True)
    assert ledger.missing == [2, 6, 7, 8]
    assert (ledger.unexplained_missing, ledger.explained_missing) == ([2], [6, 7, 8])


def test_an_end_does_not_hide_what_is_missing() -> None:
    record = record_of((0, 2))
    finish(record, 10**9)
    assert account(record).unexplained_missing == [3, 4, 5, 6, 7, 8]
