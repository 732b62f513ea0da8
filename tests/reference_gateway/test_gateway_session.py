"""The session machine by hand: each rule of parts 1 and 2 that needs no socket."""

import json

import pytest

from pytest_wdtts.protocol import AudioChunk, ClientMessage, Resume, TextDelta, encode
from reference_gateway.session import Session, State
from tests.reference_gateway.session_driver import (
    SECOND_NS,
    cancel,
    messages,
    opened,
    resume,
    said,
    synthesise,
    text,
    text_end,
)


def failure(session: Session) -> str:
    assert session.failure is not None
    assert session.state is State.ENDED
    assert said(session) == []
    return session.failure.code


def reattached(session: Session) -> Session:
    session.detach(0)
    assert session.attach()
    return session


def test_text_becomes_chunks_by_the_flush_rule_and_ends() -> None:
    session = opened()
    session.receive(text("你好，" + "a" * 25))
    assert said(session) == ["你好，", "a" * 24]
    session.receive(text("b"))
    session.receive(text_end())
    assert said(session) == ["ab", "<end>"]
    assert session.state is State.ENDED


def test_indices_and_sequence_numbers_have_no_gap() -> None:
    session = opened()
    session.receive(text("ab,c,"))
    session.receive(text_end())
    first, second, end = messages(session)
    assert isinstance(first, AudioChunk)
    assert isinstance(second, AudioChunk)
    assert (first.chunk_seq, first.unit_index_start, first.unit_index_end) == (0, 0, 2)
    assert (second.chunk_seq, second.unit_index_start, second.unit_index_end) == (1, 3, 4)
    assert [first.seq, second.seq, end.seq] == [0, 1, 2]


def test_cancel_drops_text_audio_and_a_synthesis_under_way() -> None:
    session = opened()
    session.receive(text("a,b,c,"))
    job = session.next_to_synthesise()
    assert job is not None
    session.receive(cancel())
    session.synthesised(job, job.text, b"late")
    assert said(session) == ["<cancelled>"]
    assert said(session) == []


@pytest.mark.parametrize("crossing", [text("x,"), text_end(), cancel()])
def test_what_crosses_a_cancel_changes_nothing(crossing: ClientMessage) -> None:
    session = opened()
    session.receive(cancel())
    session.receive(crossing)
    assert session.failure is None
    assert said(session) == ["<cancelled>"]


def test_text_to_a_session_that_was_cancelled_before_is_answered_by_its_end() -> None:
    session = opened()
    session.receive(cancel())
    session = reattached(session)
    assert said(session) == []
    session.receive(text("x,"))
    assert said(session) == ["<cancelled>"]


def test_a_job_is_the_same_until_it_is_taken_and_is_taken_once() -> None:
    session = opened()
    session.receive(text("a,"))
    job = session.next_to_synthesise()
    assert job is not None
    assert session.next_to_synthesise() is job
    session.synthesised(job, job.text, b"")
    session.synthesised(job, job.text, b"")
    assert said(session) == ["a,"]


@pytest.mark.parametrize("message", [text("x"), text_end()])
def test_flushing_takes_no_more_text(message: ClientMessage) -> None:
    session = opened()
    session.receive(text_end())
    session.receive(message)
    assert failure(session) == "bad_request"


@pytest.mark.parametrize("state", ["STREAMING", "FLUSHING"])
def test_another_session_id_is_a_bad_request_in_any_state(state: str) -> None:
    session = opened()
    if state == "FLUSHING":
        session.receive(text_end())
    session.receive(TextDelta(session_id="other", seq=0, text="x"))
    assert failure(session) == "bad_request"


def test_what_comes_after_the_end_is_ignored() -> None:
    session = opened()
    session.receive(text_end())
    assert said(session) == ["<end>"]
    session.receive(cancel())
    assert session.failure is None
    assert said(session) == []


class TestResume:
    def test_replays_from_the_first_chunk_not_fully_received(self) -> None:
        session = opened()
        session.receive(text("ab,cd,ef,"))
        assert said(session) == ["ab,", "cd,", "ef,"]
        reattached(session).receive(resume(3))
        assert said(session) == ["cd,", "ef,"]

    def test_a_new_connection_hears_nothing_before_it_says_from_where(self) -> None:
        session = opened()
        session.receive(text("ab,"))
        reattached(session)
        assert said(session) == []
        session.receive(resume(-1))
        assert said(session) == ["ab,"]

    @pytest.mark.parametrize("message", [text("x,"), text_end()])
    def test_new_text_opens_the_flow_from_where_sending_stopped(self, message: ClientMessage) -> None:
        session = opened()
        session.receive(text("ab,"))
        assert said(session) == ["ab,"]
        session.receive(text("cd,"))
        reattached(session).receive(message)
        assert said(session)[0] == "cd,"

    def test_caught_up_is_silence(self) -> None:
        session = opened()
        session.receive(text("ab,"))
        said(session)
        reattached(session).receive(resume(2))
        assert said(session) == []
        assert session.failure is None
        session.receive(text("c,"))
        assert said(session) == ["c,"]

    def test_on_the_first_connection_there_is_nothing_to_resume(self) -> None:
        session = opened()
        session.receive(resume(-1))
        assert failure(session) == "resume_not_available"

    def test_beyond_what_was_sent_is_a_bad_request(self) -> None:
        session = opened()
        session.receive(text("ab,cd,"))
        synthesise(session)
        session.next_message()
        reattached(session).receive(resume(3))
        assert failure(session) == "bad_request"

    def test_a_chunk_that_left_the_window_cannot_be_had(self) -> None:
        session = opened(cache_chunks=2)
        session.receive(text("a,b,c,"))
        said(session)
        reattached(session).receive(resume(-1))
        assert failure(session) == "resume_not_available"

    def test_a_chunk_that_left_the_window_is_not_missed_by_who_has_it(self) -> None:
        session = opened(cache_chunks=2)
        session.receive(text("a,b,c,"))
        said(session)
        reattached(session).receive(resume(1))
        assert said(session) == ["b,", "c,"]

    def test_the_window_is_bounded_in_bytes_too(self) -> None:
        session = opened(cache_bytes=45)
        session.receive(text("a,b,c,"))
        said(session)
        assert session.log.sent_bytes == 40

    def test_a_replay_that_broke_off_can_be_skipped(self) -> None:
        session = opened()
        session.receive(text("a,b,c,"))
        said(session)
        reattached(session).receive(resume(-1))
        session.next_message()
        reattached(session).receive(resume(5))
        session.receive(text("d,"))
        assert said(session) == ["d,"]

    def test_what_this_connection_was_sent_already_is_not_doubled(self) -> None:
        session = opened()
        session.receive(text("a,b,"))
        said(session)
        reattached(session).receive(resume(1))
        assert said(session) == ["b,"]
        session.receive(resume(1))
        assert said(session) == []
        assert session.failure is None

    def test_after_new_text_a_gap_can_no_longer_be_filled_in_order(self) -> None:
        session = opened()
        session.receive(text("a,b,"))
        said(session)
        reattached(session).receive(text("c,"))
        session.receive(resume(1))
        assert failure(session) == "bad_request"

    def test_an_end_that_nobody_heard_is_said_again(self) -> None:
        session = opened()
        session.receive(text("a,b"))
        session.receive(text_end())
        assert said(session) == ["a,", "b", "<end>"]
        reattached(session).receive(resume(1))
        assert said(session) == ["b", "<end>"]

    def test_a_text_end_whose_fate_was_unknown_may_be_repeated_once(self) -> None:
        session = opened()
        session.receive(text("a"))
        session.receive(text_end())
        reattached(session).receive(text_end())
        assert said(session) == ["a", "<end>"]
        reattached(session).receive(resume(-1))
        session.receive(text_end())
        session.receive(text_end())
        assert failure(session) == "bad_request"

    @pytest.mark.parametrize("message", [resume(-1), cancel(), text_end()])
    def test_a_cancelled_session_only_says_again_that_it_is(self, message: ClientMessage) -> None:
        session = opened()
        session.receive(text("a,b,"))
        synthesise(session)
        session.next_message()
        session.receive(cancel())
        reattached(session).receive(message)
        assert said(session) == ["<cancelled>"]


class TestBounds:
    def test_production_pauses_at_the_bound_and_text_waits(self) -> None:
        session = opened(unsent_chunks=2)
        session.receive(text("a,b,c,d,"))
        synthesise(session)
        assert session.log.unsent_chunks == 2
        assert said(session) == ["a,", "b,", "c,", "d,"]

    def test_production_pauses_at_the_bound_in_bytes(self) -> None:
        session = opened(unsent_bytes=30)
        session.receive(text("a,b,c,d,"))
        synthesise(session)
        assert session.log.unsent_bytes == 40

    def test_too_much_waiting_text_is_backpressure(self) -> None:
        session = opened(max_pending_text=24)
        session.receive(text("a" * 25))
        assert failure(session) == "backpressure"

    def test_a_stalled_reader_is_dropped_after_the_time(self) -> None:
        session = opened(unsent_chunks=1)
        session.receive(text("a,b,"))
        synthesise(session)
        session.tick(0, 0)
        session.tick(3 * SECOND_NS - 1, 99)
        assert session.failure is None
        session.tick(3 * SECOND_NS, 99)
        assert failure(session) == "backpressure"

    def test_a_reader_that_takes_enough_is_not(self) -> None:
        session = opened(unsent_chunks=1)
        session.receive(text("a,b,"))
        synthesise(session)
        for second in range(10):
            session.tick(second * SECOND_NS, second * 100)
        assert session.failure is None

    def test_an_absent_or_undecided_client_is_no_slow_reader(self) -> None:
        session = opened(unsent_chunks=1)
        session.receive(text("a,b,"))
        synthesise(session)
        reattached(session)
        for second in range(10):
            session.tick(second * SECOND_NS, 0)
        assert session.failure is None

    def test_an_absent_client_loses_its_session_after_the_ttl(self) -> None:
        session = opened()
        assert not session.expired(10**18)
        session.detach(0)
        assert not session.expired(120 * SECOND_NS - 1)
        assert session.expired(120 * SECOND_NS)
        session.attach()
        assert not session.expired(10**18)


def test_a_resume_for_another_session_is_refused() -> None:
    session = reattached(opened())
    session.receive(Resume(session_id="other", last_unit_index_received=-1))
    assert failure(session) == "bad_request"


def test_a_lone_surrogate_and_a_nul_are_units_like_any_other() -> None:
    session = opened()
    session.receive(text("\ud83d\0,"))
    assert said(session) == ["\ud83d\0,"]
    assert session.units_accepted == 3


def test_the_halves_of_a_character_in_two_deltas_stay_two_units_on_the_wire() -> None:
    session = opened()
    session.receive(text("\ud83d"))
    session.receive(text("\ude00,"))
    (chunk,) = messages(session)
    assert isinstance(chunk, AudioChunk)
    on_the_wire = json.loads(encode(chunk))
    assert (chunk.unit_index_start, chunk.unit_index_end, on_the_wire["units_text"]) == (0, 2, "\ufffd\ufffd,")
