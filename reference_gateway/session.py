"""One session of the gateway as a state machine: no I/O, no clock, no asyncio.

A session is a log. Text comes in and waits in the backlog; chunks of it are handed out for synthesis
(`next_to_synthesise`) and come back as audio (`synthesised`); the cursor of the log says what was sent
(`next_message`). A connection that dies leaves all of it standing, and `resume` is one move of the cursor.

Whoever drives the machine: `attach` on a valid `start`; `receive` for every later message; `detach` when the
connection is gone; `tick` now and then. After any of these there may be something to synthesise or to send.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

from pytest_wdtts.protocol import (
    AudioChunk,
    Cancel,
    ClientMessage,
    Error,
    ErrorCode,
    Resume,
    Start,
    TextDelta,
    TextEnd,
    TtsEnd,
)

from .backlog import Backlog
from .log import ChunkLog


class State(Enum):
    """The four states of v1; a session that nobody started yet is in the first."""

    WAIT_START = auto()
    STREAMING = auto()
    FLUSHING = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may hold, and for how long; see `Settings` for the meaning of each."""

    cache_chunks: int
    cache_bytes: int
    unsent_chunks: int
    unsent_bytes: int
    max_pending_text: int
    stall_ns: int
    stall_bytes: int
    ttl_ns: int


class Job(NamedTuple):
    """One chunk's text that is due for synthesis."""

    first_unit: int
    text: str


class Session:
    """See the module. Attributes are for reading; only the methods change them."""

    def __init__(self, start: Start, limits: Limits) -> None:
        self.start = start
        self.state = State.WAIT_START
        self.cancelled = False
        self.failure: Error | None = None
        self.units_accepted = 0
        """How many units came in: a client that was cut off goes on from here."""
        self.log = ChunkLog(limits.cache_chunks, limits.cache_bytes)
        self._limits = limits
        self._backlog = Backlog()
        self._job: Job | None = None
        self._messages_sent = 0
        self._connections = 0
        self._flowing = False
        """Whether this connection may be sent audio: a new one has to say first from where."""
        self._flow_from_unit = 0
        """First unit that this connection was or will be sent."""
        self._text_end_here = False
        self._absent_since_ns: int | None = None
        self._stalled_since_ns: int | None = None
        self._stalled_at_bytes = 0

    # --- connections come and go ---

    def attach(self) -> bool:
        """Take a new connection; return whether the session was live before."""
        resumed = self._connections > 0
        self._connections += 1
        self._absent_since_ns = self._stalled_since_ns = None
        self._text_end_here = False
        self._flowing = not resumed
        if self.state is State.WAIT_START:
            self.state = State.STREAMING
        elif self.state is State.ENDED:
            # It ended while its client was away: what is left, `tts_end` included, is due once more.
            self.state = State.FLUSHING
        return resumed

    def detach(self, now_ns: int) -> None:
        """Note that the client is away from now on."""
        self._absent_since_ns = now_ns
        self._flowing = False

    def expired(self, now_ns: int) -> bool:
        """Return whether the client was away for longer than the session lives."""
        return self._absent_since_ns is not None and now_ns - self._absent_since_ns >= self._limits.ttl_ns

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self.failure is not None

    # --- the client speaks ---

    def receive(self, message: ClientMessage) -> None:
        """Take one message of the attached connection; what is wrong with it fails the session."""
        if self.state is State.ENDED:
            return  # It crossed our last message on the way.
        if message.session_id != self.start.session_id:
            self.fail("bad_request", f"session_id: this connection carries {self.start.session_id!r} only")
        elif handler := (_AFTER_CANCEL if self.cancelled else _TRANSITIONS[self.state]).get(type(message)):
            handler(self, message)
        else:
            kind = type(message).__struct_config__.tag
            self.fail("bad_request", f"type: {kind!r} is not allowed in state {self.state.name}")

    def fail(self, code: ErrorCode, text: str) -> None:
        """End the session with an error; nothing but that error is sent any more."""
        if self.state is not State.ENDED:
            self.failure = Error(self.start.session_id, self._next_seq(), code, text)
            self.state = State.ENDED
            self._drop_everything()

    def _text_delta(self, message: TextDelta) -> None:
        self._open_flow()
        self.units_accepted += len(message.text)
        self._backlog.add(message.text)
        if self._backlog.units > self._limits.max_pending_text:
            self.fail("backpressure", f"more than {self._limits.max_pending_text} units wait for synthesis")

    def _text_end(self, _: TextEnd) -> None:
        self._text_end_here = True
        self._open_flow()
        self.state = State.FLUSHING

    def _text_end_again(self, _: TextEnd) -> None:
        # A client that was cut off after its text_end cannot know that it arrived: it may say it again.
        if self._connections == 1 or self._text_end_here:
            self.fail("bad_request", "type: 'text_end' is not allowed in state FLUSHING")
        self._text_end_here = True
        self._open_flow()

    def _cancel(self, _: Cancel) -> None:
        self._open_flow()
        self.cancelled = True
        self.state = State.FLUSHING
        self._drop_everything()

    def _after_cancel(self, _: TextDelta | TextEnd) -> None:
        # It was under way when the cancel overtook it: the one `tts_end` answers both.
        self._open_flow()

    def _resume(self, message: Resume) -> None:
        last = message.last_unit_index_received
        if self._connections == 1:
            self.fail("resume_not_available", "there was no earlier connection of this session")
        elif last > self.log.sent_through:
            self.fail("bad_request", f"last_unit_index_received: only sent through {self.log.sent_through}")
        elif self.cancelled:
            self._open_flow()
        elif self._flowing:
            # What this connection was sent already is on its way, and sending it again would double it.
            if last + 1 < self._flow_from_unit:
                self.fail("bad_request", "type: 'resume' must come before new text")
        elif last < self.log.evicted_through:
            self.fail("resume_not_available", f"units through {self.log.evicted_through} left the cache window")
        else:
            self.log.move_cursor(last)
            self._open_flow()

    def _open_flow(self) -> None:
        if not self._flowing:
            self._flowing = True
            self._flow_from_unit = self.log.cursor_unit

    def _drop_everything(self) -> None:
        self._backlog = Backlog()
        self._job = None
        self.log.clear()

    # --- synthesis ---

    @property
    def at_bound(self) -> bool:
        """Whether unsent audio holds production up."""
        log, limits = self.log, self._limits
        return log.unsent_chunks >= limits.unsent_chunks or log.unsent_bytes >= limits.unsent_bytes

    def next_to_synthesise(self) -> Job | None:
        """Return the chunk that is due: the same one until `synthesised` takes it, so a job can be lost."""
        if self._job is None and not self.at_bound and self._backlog.units:
            text = self._backlog.cut(flush=self.state is State.FLUSHING)
            if text:
                self._job = Job(self.log.produced_through + 1, text)
        return self._job

    def synthesised(self, job: Job, text: str, audio: bytes) -> None:
        """Take the audio of `job`, unless a cancel, a failure or another's result made it worthless."""
        if job is self._job:
            self._job = None
            self.log.append(text, audio)

    # --- the gateway speaks ---

    @property
    def sendable(self) -> bool:
        """Whether `next_message` has one."""
        return (
            self._flowing
            and self.state is not State.ENDED
            and (self.log.unsent_chunks > 0 or (self.state is State.FLUSHING and self._all_synthesised))
        )

    def next_message(self) -> AudioChunk | TtsEnd | None:
        """Return what is to be sent now, and count it as sent; None while there is nothing."""
        if not self.sendable:
            return None
        chunk = self.log.take()
        if chunk is not None:
            start = self.start
            return AudioChunk(
                session_id=start.session_id,
                seq=self._next_seq(),
                chunk_seq=chunk.seq,
                unit_index_start=chunk.first_unit,
                unit_index_end=chunk.last_unit,
                units_text=chunk.text,
                audio_format=start.audio_format,
                sample_rate=start.sample_rate,
                channels=start.channels,
                audio=chunk.audio,
            )
        self.state = State.ENDED
        return TtsEnd(self.start.session_id, self._next_seq(), self.cancelled)

    def tick(self, now_ns: int, bytes_taken: int) -> None:
        """Fail a session that its reader holds at the bound; `bytes_taken` is what its socket ever took."""
        if not (self._flowing and self.at_bound):
            self._stalled_since_ns = None
        elif self._stalled_since_ns is None or bytes_taken - self._stalled_at_bytes >= self._limits.stall_bytes:
            self._stalled_since_ns, self._stalled_at_bytes = now_ns, bytes_taken
        elif now_ns - self._stalled_since_ns >= self._limits.stall_ns:
            seconds = self._limits.stall_ns / 1e9
            self.fail("backpressure", f"audio is read too slowly: next to nothing was taken for {seconds:g} s")

    @property
    def _all_synthesised(self) -> bool:
        return self._job is None and not self._backlog.units

    def _next_seq(self) -> int:
        self._messages_sent += 1
        return self._messages_sent - 1


# What each state allows; anything else is a bad_request. `start` is no entry: it makes or attaches a session
# and so never reaches one.
_Handler = Callable[[Session, Any], None]
_TRANSITIONS: Mapping[State, Mapping[type, _Handler]] = {
    State.WAIT_START: {},
    State.STREAMING: {
        TextDelta: Session._text_delta,
        TextEnd: Session._text_end,
        Cancel: Session._cancel,
        Resume: Session._resume,
    },
    State.FLUSHING: {
        TextEnd: Session._text_end_again,
        Cancel: Session._cancel,
        Resume: Session._resume,
    },
    State.ENDED: {},
}
_AFTER_CANCEL: Mapping[type, _Handler] = {
    TextDelta: Session._after_cancel,
    TextEnd: Session._after_cancel,
    Cancel: Session._cancel,
    Resume: Session._resume,
}
