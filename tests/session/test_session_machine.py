"""The client's side of a conversation, every phase with every message, on virtual time and without a socket."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S, VirtualClock
from pytest_wdtts.load import SessionPlan
from pytest_wdtts.protocol import AudioChunk, Error, ServerMessage, StartAck, TtsEnd, encode
from pytest_wdtts.record import AudioShelf, ChunkFlag, EventKind, SessionRecord
from pytest_wdtts.session import ClientSession, Phase
from reference_gateway.wav import wav_header
from tests.builders import session_plan

TEXT = "您好，世界。"  # due every 100 ms from 100 ms on; chunks 0..2 and 3..5
HEADER = wav_header(16000, 1)


class Talk:
    """Both ends of one conversation: tells the machine what the driver would, and keeps what it sends."""

    def __init__(self, plan: SessionPlan | None = None, **options: Any) -> None:
        self.plan = plan or session_plan(TEXT)
        self.record = SessionRecord(self.plan)
        self.machine = ClientSession(self.plan, self.record, check_audio=False, **options)
        self.clock = VirtualClock()
        self.out: list[dict[str, Any]] = []
        self.heard = 0
        """How many of them a test has looked at."""

    def take(self, frames: list[bytes]) -> list[dict[str, Any]]:
        said = [json.loads(frame) for frame in frames]
        self.out += said
        return said

    def open(self) -> "Talk":
        self.machine.opening(self.clock.now_ns())
        self.take(self.machine.opened(self.clock.now_ns()))
        return self

    def hear(self, message: ServerMessage | bytes) -> list[dict[str, Any]]:
        frame = message if isinstance(message, bytes) else encode(message)
        return self.take(self.machine.received(frame, self.clock.now_ns()))

    def until(self, at_ms: int) -> list[dict[str, Any]]:
        """Let time pass, sending whenever the machine says that something is due."""
        said: list[dict[str, Any]] = []
        while (due_ns := self.machine.due_ns()) is not None and due_ns <= at_ms * NS_PER_MS:
            self.clock.advance(max(0, due_ns - self.clock.now_ns()))
            said += self.take(self.machine.send_due(self.clock.now_ns()))
        self.clock.advance(max(0, at_ms * NS_PER_MS - self.clock.now_ns()))
        return said

    def streaming(self, at_ms: int = 0) -> "Talk":
        self.open().hear(ack())
        self.until(at_ms)
        return self

    def flushing(self) -> "Talk":
        return self.streaming(600)

    def away(self, at_ms: int = 0) -> "Talk":
        self.streaming(at_ms)
        assert self.machine.cut(self.clock.now_ns(), "reset", resume=True)
        return self

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.record.events]

    def details(self, kind: EventKind) -> list[str]:
        return [event.detail for event in self.record.events if event.kind is kind]


def ack(**added: Any) -> StartAck:
    return StartAck("s", "pcm16_wav", 16000, 1, 120.0, HEADER, **added)


def chunk(start: int = 0, end: int = 2, seq: int = 0, **changed: Any) -> AudioChunk:
    fields: dict[str, Any] = {
        "session_id": "s",
        "seq": seq,
        "chunk_seq": seq,
        "unit_index_start": start,
        "unit_index_end": end,
        "units_text": TEXT[start : end + 1],
        "audio_format": "pcm16_wav",
        "sample_rate": 16000,
        "channels": 1,
        "audio": b"\0\1" * 10,
    }
    return AudioChunk(**fields | changed)


END = TtsEnd("s", 9, cancelled=False)
ERROR = Error("s", 9, "backpressure", "too slow")


def in_phase(phase: Phase) -> Talk:
    talk = Talk()
    match phase:
        case Phase.NEW:
            talk.machine.opening(0)
        case Phase.OPENING:
            talk.open()
        case Phase.STREAMING:
            talk.streaming(300)
        case Phase.FLUSHING:
            talk.flushing()
        case Phase.AWAY:
            talk.away(300)
        case Phase.REOPENING:
            talk.away(300).open()
        case Phase.CLOSING:
            talk.flushing().hear(END)
        case Phase.ENDED:
            talk.flushing().hear(END)
            talk.machine.closed(talk.clock.now_ns(), 1000)
    assert talk.machine.phase is phase
    return talk


V, EV = EventKind.VIOLATION, EventKind.END_VIOLATION
ENDED, FAILURE, ACKED = EventKind.ENDED, EventKind.ERROR, EventKind.ACKED
# (phase, message) -> the phase after it, the events that it left
TABLE: dict[tuple[Phase, str], tuple[Phase, list[EventKind]]] = {
    **{(Phase.NEW, name): (Phase.NEW, [V]) for name in ("ack", "chunk", "end", "error")},
    (Phase.OPENING, "ack"): (Phase.STREAMING, [ACKED]),
    (Phase.OPENING, "chunk"): (Phase.OPENING, [V]),
    (Phase.OPENING, "end"): (Phase.OPENING, [V]),
    (Phase.OPENING, "error"): (Phase.CLOSING, [FAILURE]),
    (Phase.STREAMING, "ack"): (Phase.STREAMING, [V]),
    (Phase.STREAMING, "chunk"): (Phase.STREAMING, []),
    (Phase.STREAMING, "end"): (Phase.CLOSING, [EV, ENDED]),
    (Phase.STREAMING, "error"): (Phase.CLOSING, [FAILURE]),
    (Phase.FLUSHING, "ack"): (Phase.FLUSHING, [V]),
    (Phase.FLUSHING, "chunk"): (Phase.FLUSHING, []),
    (Phase.FLUSHING, "end"): (Phase.CLOSING, [ENDED]),
    (Phase.FLUSHING, "error"): (Phase.CLOSING, [FAILURE]),
    **{(Phase.AWAY, name): (Phase.AWAY, [V]) for name in ("ack", "chunk", "end", "error")},
    (Phase.REOPENING, "ack"): (Phase.STREAMING, [ACKED, EventKind.RESUME_SENT]),
    (Phase.REOPENING, "chunk"): (Phase.REOPENING, []),
    (Phase.REOPENING, "end"): (Phase.REOPENING, [V]),
    (Phase.REOPENING, "error"): (Phase.CLOSING, [FAILURE]),
    (Phase.CLOSING, "ack"): (Phase.CLOSING, [EV]),
    (Phase.CLOSING, "chunk"): (Phase.CLOSING, []),
    (Phase.CLOSING, "end"): (Phase.CLOSING, [EV]),
    (Phase.CLOSING, "error"): (Phase.CLOSING, [EV]),
    **{(Phase.ENDED, name): (Phase.ENDED, []) for name in ("ack", "chunk", "end", "error")},
}
MESSAGES: dict[str, ServerMessage] = {"ack": ack(), "chunk": chunk(), "end": END, "error": ERROR}
CHUNK_FLAGS = {
    Phase.STREAMING: 0,
    Phase.FLUSHING: 0,
    Phase.REOPENING: ChunkFlag.BEFORE_RESUME,
    Phase.CLOSING: ChunkFlag.AFTER_END,
}


def test_the_table_is_whole() -> None:
    assert set(TABLE) == {(phase, name) for phase in Phase for name in MESSAGES}


@pytest.mark.parametrize(("phase", "name"), TABLE, ids=lambda value: value if isinstance(value, str) else value.value)
def test_every_phase_with_every_message(phase: Phase, name: str) -> None:
    talk = in_phase(phase)
    before = len(talk.record.events)
    talk.hear(MESSAGES[name])
    after, events = TABLE[phase, name]
    assert talk.machine.phase is after
    assert talk.kinds()[before:] == events
    chunks = [CHUNK_FLAGS[phase]] if name == "chunk" and phase in CHUNK_FLAGS else []
    assert talk.record.flags.tolist() == chunks


# --- the course of a healthy session ---


def test_a_whole_conversation_word_by_word() -> None:
    talk = Talk()
    talk.open()
    assert talk.out == [
        {"type": "start", "session_id": "s", "audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1}
    ]
    assert talk.hear(ack()) == []
    assert talk.until(99) == []
    assert talk.until(300) == [
        {"type": "text_delta", "session_id": "s", "seq": seq, "text": unit} for seq, unit in enumerate("您好，")
    ]
    assert talk.hear(chunk()) == []
    assert [said["type"] for said in talk.until(600)] == ["text_delta"] * 3 + ["text_end"]
    assert talk.out[-1] == {"type": "text_end", "session_id": "s", "seq": 6}
    talk.hear(chunk(3, 5, seq=1))
    talk.hear(END)
    talk.machine.closed(talk.clock.now_ns(), 1000)
    assert talk.machine.phase is Phase.ENDED
    assert [(event.kind, event.detail) for event in talk.record.events] == [
        (EventKind.OPENING, ""),
        (EventKind.OPENED, ""),
        (ACKED, ""),
        (EventKind.TEXT_END_SENT, ""),
        (ENDED, ""),
        (EventKind.CLOSED, "1000"),
    ]
    assert talk.record.sent_ns.tolist() == [unit * 100 * NS_PER_MS for unit in range(1, 7)]
    assert talk.record.lateness_ns.tolist() == [0] * 6


def test_a_probe_sends_its_text_in_one_delta() -> None:
    probe = SessionPlan(session_id="s", text="您好，", open_ns=0, first_unit_ns=0, interval_ns=0, index=0, probe=True)
    talk = Talk(probe).open()
    talk.clock.advance(250 * NS_PER_MS)
    said = talk.hear(ack())
    assert [(m["type"], m.get("text")) for m in said] == [("text_delta", "您好，"), ("text_end", None)]
    assert talk.record.lateness_ns.tolist() == [0] * 3, "nobody could send before the ack"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_text_goes_out_unit_by_unit_unharmed(text: str) -> None:
    talk = Talk(session_plan(text))
    talk.streaming(10_000)
    assert "".join(m["text"] for m in talk.out if m["type"] == "text_delta") == text


def test_late_ack_counts_as_nobodys_lateness_and_late_sending_as_ours() -> None:
    talk = Talk().open()
    talk.clock.advance(250 * NS_PER_MS)
    assert len(talk.hear(ack())) == 2
    assert talk.record.lateness_ns.tolist() == [0, 0]
    talk.clock.advance(90 * NS_PER_MS)
    talk.take(talk.machine.send_due(talk.clock.now_ns()))
    assert talk.record.lateness_ns.tolist() == [0, 0, 40 * NS_PER_MS]


def test_a_backlog_leaves_in_turns_and_whole() -> None:
    talk = Talk(session_plan("字" * 300, interval_ms=1)).open()
    talk.clock.advance(NS_PER_S)
    turns = [len(talk.hear(ack()))]
    while talk.machine.due_ns() is not None:
        turns.append(len(talk.take(talk.machine.send_due(talk.clock.now_ns()))))
    assert max(turns) == 64
    assert sum(turns) == 301


# --- deadlines ---


@pytest.mark.parametrize(
    ("phase", "limit_s", "words"),
    [
        (Phase.NEW, 10, "no WebSocket connection within 10 s"),
        (Phase.OPENING, 10, "no start_ack within 10 s"),
        (Phase.REOPENING, 10, "no start_ack after the return within 10 s"),
        (Phase.FLUSHING, 10, "no tts_end within 10 s"),
    ],
)
def test_no_wait_without_an_end(phase: Phase, limit_s: int, words: str) -> None:
    talk = in_phase(phase)
    assert talk.machine.deadline_ns == talk.clock.now_ns() + limit_s * NS_PER_S
    assert talk.machine.expired(talk.machine.deadline_ns) is None
    assert talk.machine.phase is Phase.ENDED
    assert talk.details(EventKind.FAILED) == [words]


def test_a_connection_left_open_is_a_wrong_end_not_an_error() -> None:
    talk = in_phase(Phase.CLOSING)
    assert talk.machine.expired(talk.machine.deadline_ns) is None
    assert talk.details(EV) == ["connection left open after the end within 5 s"]
    assert EventKind.FAILED not in talk.kinds()


def test_every_chunk_renews_the_wait_for_the_end() -> None:
    talk = in_phase(Phase.FLUSHING)
    talk.clock.advance(8 * NS_PER_S)
    talk.hear(chunk())
    assert talk.machine.deadline_ns == talk.clock.now_ns() + 10 * NS_PER_S


def test_while_text_is_to_be_sent_the_plan_is_the_deadline() -> None:
    assert in_phase(Phase.STREAMING).machine.deadline_ns == 0
    assert in_phase(Phase.AWAY).machine.deadline_ns == 0


def test_before_it_is_opened_nobody_waits_for_the_gateway() -> None:
    assert Talk().machine.deadline_ns == 0


# --- the return after a cut ---


def returned(at_ms: int, cut_ms: int = 300, received: bool = True, **added: Any) -> tuple[Talk, list[dict[str, Any]]]:
    """Cut at `cut_ms` with the first chunk received or not, return at `at_ms` to a gateway with these added fields."""
    talk = Talk().streaming(cut_ms)
    if received:
        talk.hear(chunk())
    talk.machine.cut(talk.clock.now_ns(), "reset", resume=True)
    talk.until(at_ms)
    talk.open()
    return talk, talk.hear(ack(**added))


def spoken(said: list[dict[str, Any]]) -> str:
    return "".join(m.get("text", "") for m in said)


@pytest.mark.parametrize(("received", "last"), [(True, 2), (False, -1)])
def test_resume_says_what_came(received: bool, last: int) -> None:
    talk, said = returned(350, received=received, resumed=True, units_accepted=3)
    assert said[0] == {"type": "resume", "session_id": "s", "last_unit_index_received": last}
    assert talk.details(EventKind.RESUME_SENT) == [str(last)]


def test_all_accepted_goes_on_and_catches_up_with_the_plan() -> None:
    talk, said = returned(450, resumed=True, units_accepted=3)
    assert spoken(said) == "世"
    assert spoken(talk.until(600)) == "界。"
    assert EventKind.SENT_AGAIN not in talk.kinds()
    assert talk.record.lateness_ns.tolist() == [0] * 6, "units due while away are nobody's lateness"
    assert [m["seq"] for m in talk.out if m["type"] == "text_delta"] == list(range(6))


def test_fewer_accepted_sends_the_lost_ones_again() -> None:
    talk, said = returned(310, received=False, resumed=True, units_accepted=1)
    assert spoken(said) == "好，"
    assert talk.details(EventKind.SENT_AGAIN) == ["units 1..2"]
    assert len(talk.record.sent_ns) == 3
    assert talk.record.sent_ns[1] == 310 * NS_PER_MS
    assert [m["seq"] for m in talk.out if m["type"] == "text_delta"] == [0, 1, 2, 3, 4], "seq grows, it is never reused"


def test_more_accepted_than_sent_is_a_violation_and_no_reason_to_skip() -> None:
    talk, said = returned(310, resumed=True, units_accepted=5)
    assert talk.details(V) == ["units_accepted is 5, but only 3 were sent"]
    assert spoken(talk.until(600)) == "世界。"
    assert spoken(said) == ""


def test_plain_v1_goes_on_where_it_was() -> None:
    talk, said = returned(310)
    assert [m["type"] for m in said] == ["resume"]
    assert spoken(talk.until(600)) == "世界。"


def test_text_end_that_was_lost_goes_again() -> None:
    _, said = returned(700, cut_ms=600, resumed=True, units_accepted=6, text_ended=False)
    assert [m["type"] for m in said] == ["resume", "text_end"]


def test_text_end_that_arrived_does_not() -> None:
    talk, said = returned(700, cut_ms=600, resumed=True, units_accepted=6, text_ended=True)
    assert [m["type"] for m in said] == ["resume"]
    assert talk.machine.phase is Phase.FLUSHING


def test_units_and_text_end_both_lost() -> None:
    _, said = returned(700, cut_ms=600, resumed=True, units_accepted=4)
    assert [m.get("text", m["type"]) for m in said] == ["resume", "界", "。", "text_end"]


def test_a_gateway_that_says_the_text_ended_and_lacks_units_gets_them_again() -> None:
    _, said = returned(700, cut_ms=600, resumed=True, units_accepted=4, text_ended=True)
    assert [m.get("text", m["type"]) for m in said] == ["resume", "界", "。", "text_end"]


@pytest.mark.parametrize("added", [{}, {"resumed": True, "units_accepted": 6}], ids=["plain v1", "part 2"])
def test_who_does_not_say_whether_text_end_arrived_gets_it_again_after_a_quiet_while(added: dict[str, Any]) -> None:
    talk, said = returned(700, cut_ms=600, **added)
    assert [m["type"] for m in said] == ["resume"]
    assert talk.machine.deadline_ns == talk.clock.now_ns() + 5 * NS_PER_S
    talk.clock.advance(NS_PER_S)
    talk.hear(chunk(3, 5, seq=1))
    assert talk.machine.deadline_ns == talk.clock.now_ns() + 5 * NS_PER_S, "a chunk renews the quiet while"
    frames = talk.machine.expired(talk.machine.deadline_ns)
    assert frames is not None
    assert [m["type"] for m in talk.take(frames)] == ["text_end"]
    assert talk.details(EventKind.SENT_AGAIN) == ["text_end"]
    assert talk.machine.expired(talk.machine.deadline_ns) is None, "only once"
    assert talk.details(EventKind.FAILED) == ["no tts_end within 10 s"]


def test_cut_before_the_first_answer_starts_anew_without_resume() -> None:
    talk = Talk().open()
    talk.machine.cut(0, "reset", resume=True)
    talk.open()
    assert talk.hear(ack(resumed=True, units_accepted=0)) == []
    assert EventKind.RESUME_SENT not in talk.kinds()
    assert talk.details(V) == [], "the first start had arrived; only its answer was lost"


@pytest.mark.parametrize("resume", [True, False])
def test_how_it_returns_is_the_plan_s_word(resume: bool) -> None:
    talk = Talk().streaming(100)
    talk.machine.cut(talk.clock.now_ns(), "reset", resume)
    assert talk.machine.resume_on_return is resume


def test_again_and_again() -> None:
    talk = Talk().streaming(100)
    for at_ms in (200, 300, 400):
        talk.machine.cut(talk.clock.now_ns(), "close", resume=True)
        talk.until(at_ms - 10)
        talk.open().hear(ack(resumed=True, units_accepted=len(talk.record.sent_ns)))
        talk.until(at_ms)
    talk.until(600)
    assert "".join(m["text"] for m in talk.out if m["type"] == "text_delta") == TEXT
    assert len(talk.details(EventKind.RESUME_SENT)) == 3
    assert not talk.details(V)


# --- cancel ---


@pytest.mark.parametrize("phase", [Phase.STREAMING, Phase.FLUSHING])
def test_cancel_stops_the_text_and_waits_for_the_end(phase: Phase) -> None:
    talk = in_phase(phase)
    assert [m["type"] for m in talk.take(talk.machine.cancel(talk.clock.now_ns()))] == ["cancel"]
    assert talk.machine.due_ns() is None
    talk.hear(chunk())
    assert talk.record.flags[-1] == ChunkFlag.AFTER_CANCEL
    talk.hear(TtsEnd("s", 9, cancelled=True))
    talk.machine.closed(talk.clock.now_ns(), 1000)
    assert not {V, EV, EventKind.FAILED} & set(talk.kinds())


@pytest.mark.parametrize("phase", [Phase.NEW, Phase.AWAY, Phase.REOPENING, Phase.CLOSING, Phase.ENDED])
def test_there_is_nothing_to_cancel(phase: Phase) -> None:
    talk = in_phase(phase)
    assert talk.machine.cancel(talk.clock.now_ns()) == []
    assert EventKind.CANCEL_SENT not in talk.kinds()


def test_a_cancelled_session_that_was_cut_returns_for_its_end_alone() -> None:
    talk = in_phase(Phase.STREAMING)
    talk.machine.cancel(talk.clock.now_ns())
    talk.machine.cut(talk.clock.now_ns(), "reset", resume=True)
    talk.until(500)
    talk.open()
    assert [m["type"] for m in talk.hear(ack(resumed=True, units_accepted=2))] == ["cancel"]
    assert talk.machine.phase is Phase.FLUSHING
    assert talk.machine.due_ns() is None


@pytest.mark.parametrize("phase", [Phase.STREAMING, Phase.REOPENING])
def test_who_has_cancelled_does_not_return_as_a_new_session(phase: Phase) -> None:
    """The plan would have this client begin anew; but it wants no more of the text."""
    talk = in_phase(phase)
    talk.machine.cancel(talk.clock.now_ns())
    assert talk.machine.cut(talk.clock.now_ns(), "reset", resume=False)
    assert talk.machine.resume_on_return


@pytest.mark.parametrize("phase", [Phase.OPENING, Phase.REOPENING])
def test_a_cancel_before_the_ack_waits_for_it(phase: Phase) -> None:
    talk = in_phase(phase)
    assert talk.machine.cancel(talk.clock.now_ns()) == []
    talk.clock.advance(NS_PER_S)
    assert [m["type"] for m in talk.hear(ack(resumed=phase is Phase.REOPENING))] == ["cancel"]
    assert talk.machine.due_ns() is None
    talk.hear(TtsEnd("s", 9, cancelled=True))
    talk.machine.closed(talk.clock.now_ns(), 1000)
    assert not {V, EV, EventKind.FAILED} & set(talk.kinds())


def test_a_cancel_while_the_connection_is_being_opened_again_waits_for_the_ack_as_well() -> None:
    talk = in_phase(Phase.AWAY)
    talk.machine.opening(talk.clock.now_ns())
    assert talk.machine.cancel(talk.clock.now_ns()) == []
    talk.take(talk.machine.opened(talk.clock.now_ns()))
    assert [m["type"] for m in talk.hear(ack(resumed=True))] == ["cancel"]


def test_cancelled_without_a_cancel_is_a_wrong_end() -> None:
    talk = in_phase(Phase.FLUSHING)
    talk.hear(TtsEnd("s", 9, cancelled=True))
    assert talk.details(EV) == ["tts_end says cancelled, but nobody cancelled"]


# --- the end of a connection ---


@pytest.mark.parametrize("phase", [Phase.OPENING, Phase.STREAMING, Phase.FLUSHING, Phase.REOPENING])
def test_closed_before_the_end_is_a_failure_with_its_code(phase: Phase) -> None:
    talk = in_phase(phase)
    talk.machine.closed(talk.clock.now_ns(), 1011, "oops")
    assert talk.details(EventKind.FAILED) == [f"closed with 1011 (oops) in {phase.value}, without tts_end"]
    assert talk.machine.phase is Phase.ENDED


@pytest.mark.parametrize(("code", "wrongs"), [(1000, 0), (1001, 0), (1006, 1)])
def test_closed_after_the_end(code: int, wrongs: int) -> None:
    talk = in_phase(Phase.CLOSING)
    talk.machine.closed(talk.clock.now_ns(), code)
    assert len(talk.details(EV)) == wrongs
    assert EventKind.FAILED not in talk.kinds()


def test_only_the_first_trouble_counts() -> None:
    talk = in_phase(Phase.STREAMING)
    talk.machine.failed(1, "first")
    talk.machine.failed(2, "second")
    talk.machine.closed(3, 1006)
    assert talk.details(EventKind.FAILED) == ["first"]
    assert not talk.machine.cut(4, "reset", resume=True)


# --- what a gateway should never send ---


@pytest.mark.parametrize(
    "frame",
    [
        b"hello",
        b"{}",
        b'{"type": "sing", "session_id": "s"}',
        b'{"type": "tts_end", "session_id": "s", "seq": true, "cancelled": false}',
        b'{"type": "start_ack", "session_id": "s"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"null",
        encode(chunk()).replace(b'"type"', b'"gain":NaN,"type"'),
    ],
    ids=lambda frame: repr(frame)[:20],
)
@pytest.mark.parametrize("phase", list(Phase))
def test_what_is_no_message_is_a_violation_and_changes_nothing(phase: Phase, frame: bytes) -> None:
    talk = in_phase(phase)
    assert talk.hear(frame) == []
    assert talk.machine.phase is phase
    (told,) = talk.details(V)
    assert told.startswith("not a message of the contract: ")
    assert len(told) < 400


@pytest.mark.parametrize("message", [ack(), chunk(), END, ERROR], ids=lambda m: type(m).__name__)
def test_another_sessions_message_is_a_violation(message: ServerMessage) -> None:
    talk = in_phase(Phase.STREAMING)
    fields = json.loads(encode(message)) | {"session_id": "other"}
    talk.hear(json.dumps(fields).encode())
    assert talk.machine.phase is Phase.STREAMING
    assert talk.details(V) == [f"{fields['type']} for session 'other', which is not ours"]


def test_an_error_may_not_know_the_session() -> None:
    talk = in_phase(Phase.OPENING)
    talk.hear(Error("", 0, "bad_request", "what?"))
    assert talk.record.error_code == "bad_request"
    assert talk.machine.phase is Phase.CLOSING


def test_binary_frames_are_violations() -> None:
    talk = in_phase(Phase.STREAMING)
    talk.machine.binary(7, 0)
    assert talk.details(V) == ["binary frame of 7 bytes: the contract has text frames only"]


@pytest.mark.parametrize("audio", ["?!", "AAE", "語", None, 7])
@pytest.mark.parametrize("phase", [Phase.STREAMING, Phase.FLUSHING, Phase.REOPENING, Phase.CLOSING])
def test_broken_audio_is_flagged_and_its_units_stay_accounted_for(phase: Phase, audio: object) -> None:
    talk = in_phase(phase)
    fields = json.loads(encode(chunk())) | {"audio_base64": audio}
    before = len(talk.details(V))
    talk.hear(json.dumps(fields).encode())
    assert talk.record.flags.tolist() == [ChunkFlag.BAD_BASE64 | CHUNK_FLAGS[phase]]
    assert (talk.record.chunk_start[0], talk.record.chunk_end[0]) == (0, 2)
    assert len(talk.details(V)) == before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sample_rate": 8000}, "start_ack gives ('pcm16_wav', 8000, 1), asked for ('pcm16_wav', 16000, 1)"),
        ({"channels": 2}, "start_ack gives"),
        ({"audio_format": "opus"}, "start_ack gives"),
        ({"wav_header": b""}, "no 44-byte WAV header with data size 0 (0 bytes)"),
        ({"wav_header": HEADER[:-1] + b"\1"}, "no 44-byte WAV header"),
        ({"wav_header": b"JUNK" + HEADER[4:]}, "no 44-byte WAV header"),
        (
            {"wav_header": HEADER[:22] + b"\2" + HEADER[23:]},
            "the WAV header of another format: its fields are (16, 1, 2, ",
        ),
        ({"resumed": True, "units_accepted": 3}, "resumed for a session id never used before"),
    ],
)
def test_start_ack_is_checked(changed: dict[str, Any], words: str) -> None:
    fields: dict[str, Any] = {
        "session_id": "s",
        "audio_format": "pcm16_wav",
        "sample_rate": 16000,
        "channels": 1,
        "ttl_s": 120.0,
        "wav_header": HEADER,
    }
    talk = Talk().open()
    talk.hear(StartAck(**fields | changed))
    (told,) = talk.details(V)
    assert words in told
    assert talk.machine.phase is Phase.STREAMING


@pytest.mark.parametrize("changed", [{"sample_rate": 8000}, {"channels": 2}, {"audio_format": "opus"}])
def test_chunk_of_another_format_is_flagged(changed: dict[str, Any]) -> None:
    talk = in_phase(Phase.STREAMING)
    talk.hear(chunk(**changed))
    assert talk.record.flags.tolist() == [ChunkFlag.WRONG_FORMAT]


def test_other_text_is_kept_as_evidence() -> None:
    talk = in_phase(Phase.STREAMING)
    talk.hear(chunk(units_text="您号，"))
    assert talk.record.wrong_text == {0: "您号，"}


def test_the_sound_is_kept_where_somebody_wants_to_hear_it() -> None:
    talk = in_phase(Phase.STREAMING)
    talk.machine.shelf = AudioShelf()
    talk.hear(chunk())
    talk.hear(chunk(3, 5, seq=1, audio=b"\7\7"))
    assert talk.machine.shelf.sound("s") == b"\0\1" * 10 + b"\7\7"


def test_a_slow_readers_chunks_are_marked() -> None:
    talk = in_phase(Phase.STREAMING)
    talk.machine.slow = True
    talk.hear(chunk())
    assert talk.record.flags.tolist() == [ChunkFlag.WHILE_SLOW]


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_any_indices_are_evidence_not_an_exception(start: int, end: int, seq: int) -> None:
    talk = in_phase(Phase.STREAMING)
    talk.hear(chunk(unit_index_start=start, unit_index_end=end, chunk_seq=seq, units_text="?"))
    assert len(talk.record.received_ns) == 1
    assert -1 <= talk.machine.last_unit_received < len(talk.record.sent_ns)


# --- what the plan does to the gateway ---


@pytest.mark.parametrize(("by_plan", "blamed"), [(True, []), (False, ["connection dropped after the end"])])
def test_a_gateway_that_the_plan_takes_between_its_end_and_its_close_has_closed(
    by_plan: bool, blamed: list[str]
) -> None:
    talk = in_phase(Phase.CLOSING)
    talk.machine.closed(talk.clock.now_ns(), 1006, by_plan=by_plan)
    assert [detail.partition(",")[0] for detail in talk.details(EV)] == blamed
    assert talk.machine.phase is Phase.ENDED


@pytest.mark.parametrize("phase", [Phase.OPENING, Phase.FLUSHING, Phase.REOPENING, Phase.CLOSING])
def test_a_wait_can_begin_anew(phase: Phase) -> None:
    talk = in_phase(phase)
    patience_ns = talk.machine.deadline_ns - talk.clock.now_ns()
    talk.clock.advance(7 * NS_PER_S)
    talk.machine.wait_anew(talk.clock.now_ns())
    assert talk.machine.deadline_ns == talk.clock.now_ns() + patience_ns


def test_where_nobody_waits_no_wait_begins() -> None:
    talk = in_phase(Phase.STREAMING)
    talk.machine.wait_anew(talk.clock.now_ns())
    assert not talk.machine.deadline_ns
