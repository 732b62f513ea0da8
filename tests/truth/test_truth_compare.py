"""The comparison finds a clock that is wrong, and refuses what cannot be compared."""

import json

import pytest

from benchmarks.truth.compare import Agreement, Conversation, compare
from benchmarks.truth.streams import Message
from benchmarks.truth.wall_clock import unmoved, wall_minus_monotonic_ns
from pytest_wdtts.clock import NS_PER_MS
from pytest_wdtts.errors import OwnFailure
from pytest_wdtts.load import SessionPlan
from pytest_wdtts.record import EventKind, SessionRecord

ORIGIN_UNIX_NS = 1_800_000_000 * 10**9
PLAN = SessionPlan(
    session_id="s", text="您好。", open_ns=0, first_unit_ns=100 * NS_PER_MS, interval_ns=100 * NS_PER_MS, index=0
)
P99_MS = {"send_lateness_ms": 1.0, "service_time_ms": 5.0}


def record(send_shift_ns: int = 0, receive_shift_ns: int = 0) -> SessionRecord:
    """Three units, each a millisecond late, and a chunk 5 ms after the last."""
    made = SessionRecord(PLAN)
    made.note(0, EventKind.OPENING)
    for unit in range(3):
        made.sent(PLAN.due_ns(unit) + NS_PER_MS + send_shift_ns, NS_PER_MS)
    made.received(PLAN.due_ns(2) + 6 * NS_PER_MS + receive_shift_ns, 0, 0, 2, 3840, 0)
    return made


def wire(*, lost: str = "") -> dict[str, Conversation]:
    seen = Conversation()

    def put(at_ns: int, **fields: object) -> None:
        if fields["type"] != lost:
            seen.take(
                Message(ORIGIN_UNIX_NS + at_ns, json.dumps(fields | {"session_id": "s"}).encode()), ORIGIN_UNIX_NS
            )

    put(50 * NS_PER_MS, type="start_ack")
    for unit, text in enumerate(PLAN.text):
        put(PLAN.due_ns(unit) + NS_PER_MS, type="text_delta", text=text)
    put(PLAN.due_ns(2) + 6 * NS_PER_MS, type="audio_chunk", unit_index_start=0, unit_index_end=2)
    return {"s": seen}


def agreement(send_shift_ns: int = 0, receive_shift_ns: int = 0, **p99_ms: float) -> Agreement:
    return compare([record(send_shift_ns, receive_shift_ns)], wire(), P99_MS | p99_ms)


def test_times_that_are_the_captures_own_agree() -> None:
    seen = agreement()
    assert (seen.send_ms["count"], seen.receive_ms["count"]) == (3, 1)
    assert seen.lateness_ms == {"report": 1.0, "capture": 1.0}
    assert seen.service_time_ms["capture"] == pytest.approx(5.0, abs=0.01)
    assert seen.trouble() == []


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (agreement(send_shift_ns=-2 * NS_PER_MS), "send differs by 2.0"),
        (agreement(receive_shift_ns=2 * NS_PER_MS), "receive differs by 2.0"),
        (agreement(send_shift_ns=NS_PER_MS // 5), "3 units left before the clock"),
        (agreement(receive_shift_ns=-NS_PER_MS // 5), "1 chunks came before the clock"),
        (agreement(send_lateness_ms=2.5), "p99 send lateness differs by 1.5"),
        (agreement(service_time_ms=3.0), "p99 service time differs by 2.0"),
    ],
)
def test_a_wrong_clock_or_a_wrong_report_is_found(seen: Agreement, words: str) -> None:
    (trouble,) = seen.trouble()
    assert words in trouble


@pytest.mark.parametrize("lost", ["text_delta", "audio_chunk"])
def test_what_one_side_alone_saw_cannot_be_compared(lost: str) -> None:
    with pytest.raises(OwnFailure, match=r"session s: the capture has . units and . chunks, the run 3 and 1"):
        compare([record()], wire(lost=lost), P99_MS)


def test_a_wall_clock_set_during_the_run_is_no_evidence() -> None:
    assert unmoved(5_000_000, 5_000_400) == 5_000_200
    with pytest.raises(OwnFailure, match=r"set by \+3\.000 ms during the run"):
        unmoved(5_000_000, 8_000_000)


def test_the_two_clocks_keep_their_distance() -> None:
    assert abs(wall_minus_monotonic_ns() - wall_minus_monotonic_ns()) < 20_000
