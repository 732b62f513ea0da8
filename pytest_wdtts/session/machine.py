"""One conversation from the client's side, sans I/O: frames and times go in, frames to send come out.

The driver owns the socket and the clock; this machine owns what the conversation means. Whatever the
gateway does against the contract becomes evidence in the record, never an exception.
"""

from collections.abc import Callable

from ..clock import NS_PER_S
from ..ledger.audio import AudioTerms, check_pcm, header_fault
from ..load import SessionPlan
from ..protocol import AudioChunk, Error, Malformed, ServerMessage, Start, StartAck, TtsEnd, decode_server
from ..record import AudioShelf, ChunkFlag, EventKind, SessionRecord
from .lenient import salvage
from .outgoing import Outgoing
from .phase import WAITS, Phase

RESEND_TEXT_END_S = 5.0
"""Where `start_ack` does not say whether `text_end` arrived, it goes again after this quiet. Not before: where it did
arrive, a gateway that flushes may refuse a second one, and a slow engine is quiet for seconds."""

UNITS_AT_ONCE = 64
"""Most units of a backlog that leave in one turn, so that one late session does not hold up the others."""


class ClientSession:
    """The client's side of one session. Times are ns from the run's origin."""

    def __init__(
        self,
        plan: SessionPlan,
        record: SessionRecord,
        sample_rate: int = 16000,
        channels: int = 1,
        audio_format: str = "pcm16_wav",
        dummy_engine: bool = False,
        check_audio: bool = True,
        tone_every: int = 1,
    ) -> None:
        self.plan = plan
        self.record = record
        self.phase = Phase.NEW
        self.start = Start(plan.session_id, audio_format, sample_rate, channels)  # type: ignore[arg-type]
        self.terms = AudioTerms.of(sample_rate, channels, "", 0, dummy_engine)
        self._asked = (audio_format, sample_rate, channels)
        self.deadline_ns = 0
        """When the gateway has kept us waiting too long; 0 where nobody waits for it."""
        self.next_unit = 0
        self.last_unit_received = -1
        self.text_ended = False
        self.cancelled = False
        self.cancel_waits = False
        """Whether a cancel was asked for and could not leave yet."""
        self.slow = False
        self.resume_on_return = True
        self._outgoing = Outgoing(self.start)
        self._starts = 0
        self._acked = False
        self._ready_ns = 0
        self._dummy_engine = dummy_engine
        self._check_audio = check_audio
        self._tone_every = tone_every
        self.shelf: AudioShelf | None = None
        """Where the sound goes that somebody may want to hear; nowhere by default."""
        self._text_end_unsure = False

    # --- what the driver tells ---------------------------------------------------------------------------

    def opening(self, now_ns: int) -> None:
        """A connection is being opened, for the first time or again."""
        self.record.note(now_ns, EventKind.OPENING)
        self._enter(Phase.REOPENING if self._acked else Phase.NEW, now_ns)

    def opened(self, now_ns: int) -> list[bytes]:
        """The connection is open."""
        self.record.note(now_ns, EventKind.OPENED)
        self._starts += 1
        self._enter(Phase.REOPENING if self._acked else Phase.OPENING, now_ns)
        return [self._outgoing.start()]

    def due_ns(self) -> int | None:
        """When the next unit, or `text_end`, is due; None when there is nothing to send or no way to."""
        if self.phase is not Phase.STREAMING:
            return None
        return self.plan.due_ns(self.next_unit)

    def send_due(self, now_ns: int) -> list[bytes]:
        """Return the frames of everything that is due; the caller sends them at once."""
        frames: list[bytes] = []
        plan = self.plan
        total = len(plan.text)
        while self.phase is Phase.STREAMING and len(frames) < UNITS_AT_ONCE:
            due_ns = plan.due_ns(self.next_unit)
            if due_ns > now_ns:
                break
            if self.next_unit == total:
                frames.append(self._text_end(now_ns))
            elif plan.interval_ns == 0:
                frames.append(self._all_at_once(now_ns, due_ns))
            else:
                frames.append(self._one_unit(now_ns, due_ns))
        return frames

    def received(self, frame: bytes, now_ns: int) -> list[bytes]:
        """Take a text frame from the gateway; returns the frames that answer it."""
        flags: tuple[ChunkFlag, ...] = ()
        try:
            message = decode_server(frame)
        except Malformed as error:
            salvaged = salvage(frame)
            if salvaged is None:
                shown = frame[:80].decode("utf-8", "replace")
                self.violation(now_ns, f"not a message of the contract: {error}; seen {shown!r}")
                return []
            message, flags = salvaged, (ChunkFlag.BAD_BASE64,)
        if message.session_id != self.plan.session_id and not (isinstance(message, Error) and not message.session_id):
            self.violation(now_ns, f"{_name(message)} for session {message.session_id!r}, which is not ours")
            return []
        handler = _TABLE.get((self.phase, type(message)))
        if handler is None:
            self._out_of_place(message, now_ns)
            return []
        return handler(self, message, now_ns, *flags)

    def binary(self, size_bytes: int, now_ns: int) -> None:
        """Take note of a binary frame: the contract has none."""
        self.violation(now_ns, f"binary frame of {size_bytes} bytes: the contract has text frames only")

    def cancel(self, now_ns: int) -> list[bytes]:
        """Cancel, where the conversation is still open; before `start_ack` it waits for that."""
        if self.phase in (Phase.STREAMING, Phase.FLUSHING):
            return self._cancel(now_ns)
        self.cancel_waits |= self.phase in (Phase.OPENING, Phase.REOPENING)
        return []

    def cut(self, now_ns: int, how: str, resume: bool) -> bool:
        """We cut the connection on purpose; False where the conversation had ended by itself before."""
        if self.phase in (Phase.CLOSING, Phase.ENDED):
            return False
        self.record.note(now_ns, EventKind.FAULT, how)
        # Who has cancelled wants no more of this text, so no new session either: it comes back to say so again.
        self.resume_on_return = resume or self.cancelled or self.cancel_waits
        self._enter(Phase.AWAY, now_ns)
        return True

    def closed(self, now_ns: int, code: int, reason: str = "", by_plan: bool = False) -> None:
        """The connection is gone (1006: without a close frame); `by_plan`: with the gateway, which the plan took."""
        if self.phase in (Phase.AWAY, Phase.ENDED):
            return
        self.record.note(now_ns, EventKind.CLOSED, str(code))
        if self.phase is Phase.CLOSING:
            if code == 1006 and not by_plan:
                self.end_violation(now_ns, "connection dropped after the end, without a close frame")
        else:
            told = f" ({reason})" if reason else ""
            self.record.note(
                now_ns, EventKind.FAILED, f"closed with {code}{told} in {self.phase.value}, without tts_end"
            )
        self._enter(Phase.ENDED, now_ns)

    def failed(self, now_ns: int, reason: str) -> None:
        """The connection could not be opened, or nobody will wait for it any longer."""
        if self.phase is not Phase.ENDED:
            self.record.note(now_ns, EventKind.FAILED, reason)
            self._enter(Phase.ENDED, now_ns)

    def wait_anew(self, now_ns: int) -> None:
        """Until now the gateway could not answer, or we could not hear it: whatever is waited for, the wait begins."""
        if self.deadline_ns:
            self._enter(self.phase, now_ns)

    def expired(self, now_ns: int) -> list[bytes] | None:
        """The deadline has come: frames to send if there is something left to try, else None and the end."""
        if self._text_end_unsure and self.phase is Phase.FLUSHING:
            self._text_end_unsure = False
            self._enter(Phase.FLUSHING, now_ns)
            self.record.note(now_ns, EventKind.SENT_AGAIN, "text_end")
            return [self._outgoing.text_end()]
        wait = WAITS.get(self.phase)
        message = wait.message if wait else "the run's patience is over"
        if self.phase is Phase.CLOSING:
            self.end_violation(now_ns, message)
            self._enter(Phase.ENDED, now_ns)
        else:
            self.failed(now_ns, message)
        return None

    def violation(self, now_ns: int, what: str) -> None:
        """Keep what the gateway did against the contract as evidence."""
        self.record.note(now_ns, EventKind.VIOLATION, what)

    def end_violation(self, now_ns: int, what: str) -> None:
        """The same for the way in which it ends a session."""
        self.record.note(now_ns, EventKind.END_VIOLATION, what)

    # --- what the gateway sends ------------------------------------------------------------------------------

    def _begin(self, ack: StartAck, now_ns: int) -> list[bytes]:
        self.record.note(now_ns, EventKind.ACKED)
        self._acked = True
        self._check_ack(ack, now_ns)
        if ack.resumed and self._starts == 1:
            self.violation(now_ns, "start_ack says resumed for a session id never used before")
        self._ready_ns = now_ns
        self._enter(Phase.STREAMING, now_ns)
        return self._cancel(now_ns) if self.cancel_waits else self.send_due(now_ns)

    def _take_up(self, ack: StartAck, now_ns: int) -> list[bytes]:
        self.record.note(now_ns, EventKind.ACKED, "resumed" if ack.resumed else "")
        self._ready_ns = now_ns
        if self.cancelled or self.cancel_waits:  # A cancel may have died with its connection; audio nobody wants.
            return self._cancel(now_ns)
        frames = [self._outgoing.resume(self.last_unit_received)]
        self.record.note(now_ns, EventKind.RESUME_SENT, str(self.last_unit_received))
        accepted = ack.units_accepted
        if accepted is not None and accepted > self.next_unit:
            self.violation(now_ns, f"units_accepted is {accepted}, but only {self.next_unit} were sent")
        elif accepted is not None and accepted < self.next_unit:
            self.record.note(now_ns, EventKind.SENT_AGAIN, f"units {accepted}..{self.next_unit - 1}")
            self.record.forget_sent(accepted)
            self.next_unit = accepted
            self.text_ended = False
        if ack.text_ended is False:
            self.text_ended = False
        self._text_end_unsure = self.text_ended and ack.text_ended is None
        self._enter(Phase.FLUSHING if self.text_ended else Phase.STREAMING, now_ns)
        return frames + self.send_due(now_ns)

    def _chunk(self, chunk: AudioChunk, now_ns: int, flags: int = 0) -> list[bytes]:
        start, end = chunk.unit_index_start, chunk.unit_index_end
        if self.cancelled:
            flags |= ChunkFlag.AFTER_CANCEL
        if self.slow:
            flags |= ChunkFlag.WHILE_SLOW
        expected = self.plan.text[max(start, 0) : end + 1]
        if (chunk.audio_format, chunk.sample_rate, chunk.channels) != self._asked:
            flags |= ChunkFlag.WRONG_FORMAT
        elif self._check_audio:
            flags |= check_pcm(chunk.audio, expected, start, self.terms, self._tone_is_due())
        wrong_text = chunk.units_text if chunk.units_text != expected else None
        if self.shelf is not None:
            self.shelf.keep(self.record, chunk.audio)
        self.record.received(now_ns, chunk.chunk_seq, start, end, len(chunk.audio), flags, wrong_text)
        self.last_unit_received = max(self.last_unit_received, min(end, self.next_unit - 1))
        if self.phase is Phase.FLUSHING:
            self._enter(Phase.FLUSHING, now_ns)
        return []

    def _chunk_before_resume(self, chunk: AudioChunk, now_ns: int, flags: int = 0) -> list[bytes]:
        return self._chunk(chunk, now_ns, flags | ChunkFlag.BEFORE_RESUME)

    def _chunk_after_end(self, chunk: AudioChunk, now_ns: int, flags: int = 0) -> list[bytes]:
        return self._chunk(chunk, now_ns, flags | ChunkFlag.AFTER_END)

    def _end(self, end: TtsEnd, now_ns: int) -> list[bytes]:
        self.record.note(now_ns, EventKind.ENDED, "cancelled" if end.cancelled else "")
        if end.cancelled and not self.cancelled:
            self.end_violation(now_ns, "tts_end says cancelled, but nobody cancelled")
        self._enter(Phase.CLOSING, now_ns)
        return []

    def _early_end(self, end: TtsEnd, now_ns: int) -> list[bytes]:
        self.end_violation(
            now_ns, f"tts_end before text_end was sent ({self.next_unit} of {len(self.plan.text)} units)"
        )
        return self._end(end, now_ns)

    def _error(self, error: Error, now_ns: int) -> list[bytes]:
        self.record.note(now_ns, EventKind.ERROR, f"{error.code}: {error.message}")
        self._enter(Phase.CLOSING, now_ns)
        return []

    def _out_of_place(self, message: ServerMessage, now_ns: int) -> None:
        if self.phase is Phase.ENDED:
            return
        if self.phase is Phase.CLOSING:
            self.end_violation(now_ns, f"{_name(message)} after the end")
        else:
            self.violation(now_ns, f"{_name(message)} in {self.phase.value}")

    # --- small things ------------------------------------------------------------------------------------------

    def _check_ack(self, ack: StartAck, now_ns: int) -> None:
        given = (ack.audio_format, ack.sample_rate, ack.channels)
        if given != self._asked:
            self.violation(now_ns, f"start_ack gives {given}, asked for {self._asked}")
        if fault := header_fault(ack.wav_header, self.start.sample_rate, self.start.channels):
            self.violation(now_ns, f"start_ack's wav_header_base64 is {fault}")
        self.terms = AudioTerms.of(
            self.start.sample_rate, self.start.channels, ack.unit_tone, ack.unit_audio_ms, self._dummy_engine
        )

    def _lateness_ns(self, now_ns: int, due_ns: int) -> int:
        """How late we are ourselves with what is due: from the moment on when it could be sent."""
        return now_ns - max(due_ns, self._ready_ns)

    def _one_unit(self, now_ns: int, due_ns: int) -> bytes:
        self.record.sent(now_ns, self._lateness_ns(now_ns, due_ns))
        self.next_unit += 1
        return self._outgoing.unit(self.plan.text[self.next_unit - 1])

    def _all_at_once(self, now_ns: int, due_ns: int) -> bytes:
        text = self.plan.text[self.next_unit :]
        for _ in text:
            self.record.sent(now_ns, self._lateness_ns(now_ns, due_ns))
        self.next_unit = len(self.plan.text)
        return self._outgoing.text(text)

    def _cancel(self, now_ns: int) -> list[bytes]:
        self.cancelled = True
        self.record.note(now_ns, EventKind.CANCEL_SENT)
        self._enter(Phase.FLUSHING, now_ns)
        return [self._outgoing.cancel()]

    def _text_end(self, now_ns: int) -> bytes:
        self.text_ended = True
        self.record.note(now_ns, EventKind.TEXT_END_SENT)
        self._enter(Phase.FLUSHING, now_ns)
        return self._outgoing.text_end()

    def _enter(self, phase: Phase, now_ns: int) -> None:
        self.phase = phase
        unsure = self._text_end_unsure and phase is Phase.FLUSHING
        wait = WAITS.get(phase)
        limit_s = RESEND_TEXT_END_S if unsure else wait.limit_s if wait else 0.0
        self.deadline_ns = now_ns + round(limit_s * NS_PER_S) if limit_s else 0

    def _tone_is_due(self) -> bool:
        """Every so many chunks, and not the same ones in every session."""
        every = self._tone_every
        return every > 0 and (len(self.record.received_ns) + self.plan.index) % every == 0


_TABLE: dict[tuple[Phase, type], Callable[..., list[bytes]]] = {
    (Phase.OPENING, StartAck): ClientSession._begin,
    (Phase.REOPENING, StartAck): ClientSession._take_up,
    (Phase.REOPENING, AudioChunk): ClientSession._chunk_before_resume,
    (Phase.STREAMING, AudioChunk): ClientSession._chunk,
    (Phase.FLUSHING, AudioChunk): ClientSession._chunk,
    (Phase.CLOSING, AudioChunk): ClientSession._chunk_after_end,
    (Phase.STREAMING, TtsEnd): ClientSession._early_end,
    (Phase.FLUSHING, TtsEnd): ClientSession._end,
    **{
        (phase, Error): ClientSession._error
        for phase in (Phase.OPENING, Phase.REOPENING, Phase.STREAMING, Phase.FLUSHING)
    },
}


def _name(message: ServerMessage) -> str:
    return str(type(message).__struct_config__.tag)
