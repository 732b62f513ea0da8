"""Defects of how a session ends: `tts_end`, `cancel`, and the close."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from pytest_wdtts.protocol import AudioChunk, Cancel, ClientMessage, Error, ServerMessage, TextEnd, TtsEnd

from .chance import OfSessions, RemembersAudio
from .seam import Cut, Pause, Step

FOR_EVER_S = 12.0
"""Longer than any client waits."""


class EndMissing(OfSessions):
    """The session is closed without its `tts_end`."""

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        return () if isinstance(message, TtsEnd) and self.strikes(message.session_id) else (message,)


class EndSilent(OfSessions):
    """`tts_end` never comes, and the connection stays open."""

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        lost = isinstance(message, TtsEnd) and self.strikes(message.session_id)
        return (Pause(FOR_EVER_S),) if lost else (message,)


class EndDoubled(OfSessions):
    """`tts_end` is sent twice."""

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        return (message, message) if self.strikes(message.session_id) else (message,)


class EndEarly(OfSessions):
    """`tts_end` is sent in the middle of a session, after a chunk, while text still comes."""

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if isinstance(message, AudioChunk) and message.chunk_seq == 1 and self.strikes(message.session_id):
            return (message, TtsEnd(message.session_id, message.seq + 1, cancelled=False))
        return (message,)


class AudioAfterEnd(RemembersAudio):
    """The last chunk is sent once more after `tts_end`."""

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        latest = self.latest.pop(message.session_id, None)
        return (message, latest) if latest and self.strikes(message.session_id) else (message,)


class CloseMissing(OfSessions):
    """After `tts_end` the connection stays open."""

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        return (message, Pause(FOR_EVER_S)) if self.strikes(message.session_id) else (message,)


class CloseWithoutHandshake(OfSessions):
    """After `tts_end` the connection is dropped without a close frame (1006)."""

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        return (message, Cut.CUT) if self.strikes(message.session_id) else (message,)


class CancelIgnored(OfSessions):
    """`cancel` is not heard: audio goes on, no `tts_end` comes."""

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        return None if isinstance(message, Cancel) and self.strikes(message.session_id) else message


class OfCancels(OfSessions, abstract=True):
    """Strikes a share of the sessions that are cancelled, where they end."""

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        if isinstance(message, TtsEnd) and message.cancelled and self.strikes(message.session_id):
            return self.instead(message)
        return (message,)

    def instead(self, end: TtsEnd) -> Sequence[Step]:
        """Return what answers the cancel."""
        raise NotImplementedError


class CancelDrops(OfCancels):
    """`cancel` is answered by a bare close (1006), without `tts_end`."""

    def instead(self, end: TtsEnd) -> Sequence[Step]:
        return (Cut.CUT,)


class CancelDenied(OfCancels):
    """`cancel` is answered by a `tts_end` that says `cancelled: false`."""

    def instead(self, end: TtsEnd) -> Sequence[Step]:
        return (replace(end, cancelled=False),)


@dataclass(kw_only=True)
class CancelLate(OfCancels):
    """`cancel` is answered only after `seconds`."""

    seconds: float = 3.0

    def instead(self, end: TtsEnd) -> Sequence[Step]:
        return Pause(self.seconds), end


class AudioAfterCancel(OfSessions):
    """On `cancel` what is pending is still flushed to the client before the end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._ended: set[str] = set()

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        session_id = message.session_id
        if isinstance(message, TextEnd):
            self._ended.add(session_id)
        elif isinstance(message, Cancel) and session_id not in self._ended and self.strikes(session_id):
            return TextEnd(session_id, message.seq)
        return message

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        flushed = isinstance(message, TtsEnd) and message.session_id not in self._ended
        return (replace(message, cancelled=True),) if flushed and isinstance(message, TtsEnd) else (message,)
