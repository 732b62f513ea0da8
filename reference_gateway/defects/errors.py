"""Defects of errors and of the opening: wrong codes, errors for nothing, connections that break."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from msgspec.structs import replace

from pytest_wdtts.protocol import (
    AudioChunk,
    ClientMessage,
    Error,
    ErrorCode,
    ServerMessage,
    Start,
    StartAck,
    TextDelta,
    TextEnd,
    TtsEnd,
)

from .chance import Defect, OfChunks, OfConnections, OfSessions, RemembersAudio
from .seam import Close, Cut, Pause, Step


class EngineLost(RuntimeError):
    """What an engine raises that has just died."""


class FailsSessions(OfSessions, abstract=True):
    """Fails struck sessions at their first chunk, with `code`."""

    code: ClassVar[ErrorCode]

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        if self.strikes(session_id):
            raise EngineLost
        return 0.0

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        if isinstance(message, Error) and self.strikes(message.session_id):
            return (replace(message, code=self.code),)
        return (message,)


class InternalError(FailsSessions):
    """A share of sessions ends with `internal_error`."""

    code = "internal_error"


class BackpressureForNothing(FailsSessions):
    """A share of sessions gets `backpressure` though they read at full speed."""

    code = "backpressure"


class BadRequestForNothing(FailsSessions):
    """A share of sessions gets `bad_request` though nothing was wrong with what they sent."""

    code = "bad_request"


class ErrorStorm(Defect):
    """From `start_s` on every session that is served ends with `internal_error`."""

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        if self.begun:
            raise EngineLost
        return 0.0


class ConnectionDrops(OfChunks):
    """The connection is dropped in the middle of a session: no error, no close frame (1006)."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (Cut.CUT,)


class ClosedWithoutError(OfChunks):
    """The connection is closed in the middle of a session, with a close frame (1011), but without an error frame."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (Close(1011),)


class UpgradeRefused(OfConnections):
    """A share of connections gets 500 instead of the upgrade."""

    def accept_pause_s(self) -> float:
        return -1.0 if self.strikes_next() else 0.0


class AckMissing(OfSessions):
    """`start` is not answered."""

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        return () if isinstance(message, StartAck) and self.strikes(message.session_id) else (message,)


class AckOfAnother(OfSessions):
    """`start_ack` grants another sample rate than was asked for."""

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if isinstance(message, StartAck) and self.strikes(message.session_id):
            return (replace(message, sample_rate=22_050),)
        return (message,)


class HeaderWrong(OfSessions):
    """The WAV header in `start_ack` is cut short."""

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if isinstance(message, StartAck) and self.strikes(message.session_id):
            return (replace(message, wav_header=message.wav_header[:40]),)
        return (message,)


class TextLost(OfSessions):
    """One unit of text is lost on the way in: all that follows is one index too low."""

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        lost = isinstance(message, TextDelta) and message.seq == 5 and self.strikes(message.session_id)
        return None if lost else message


class TextDoubled(OfSessions):
    """One unit of text is taken twice: all that follows is one index too high."""

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        if isinstance(message, TextDelta) and message.seq == 5 and self.strikes(message.session_id):
            return replace(message, text=message.text * 2)
        return message


@dataclass(kw_only=True)
class TextAfterEnd(RemembersAudio):
    """`text_delta` after `text_end` is taken as if nothing were wrong with it, and spoken before the end."""

    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._late: dict[str, str] = {}

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        session_id = message.session_id
        if isinstance(message, Start):
            self._late.pop(session_id, None)
        elif isinstance(message, TextEnd):
            self._late[session_id] = ""
        elif isinstance(message, TextDelta) and session_id in self._late and self.strikes(session_id):
            self._late[session_id] += message.text
            return None
        return message

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        text, latest = self._late.get(message.session_id), self.latest.get(message.session_id)
        return (spoken_on(latest, text), message) if text and latest else (message,)


def spoken_on(latest: AudioChunk, text: str) -> AudioChunk:
    """Return the chunk after `latest`, with this text in a sound as long as its own."""
    first = latest.unit_index_end + 1
    unit_bytes = len(latest.audio) // (first - latest.unit_index_start)
    return replace(
        latest,
        seq=latest.seq + 1,
        chunk_seq=latest.chunk_seq + 1,
        unit_index_start=first,
        unit_index_end=first + len(text) - 1,
        units_text=text,
        audio=(latest.audio[:unit_bytes]) * len(text),
    )


class BlamesItself(Defect):
    """What a client sent wrong is answered with `internal_error`."""

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        wrong = isinstance(message, Error) and message.code == "bad_request"
        return (replace(message, code="internal_error"),) if wrong and isinstance(message, Error) else (message,)


@dataclass(kw_only=True)
class ErrorLeftOpen(Defect):
    """After an `error` the connection stays open for `seconds`."""

    seconds: float = 10.0

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        return (message, Pause(self.seconds)) if isinstance(message, Error) else (message,)
