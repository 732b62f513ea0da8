"""Where misbehaviour can be switched in: one object, asked at every place where a gateway can go wrong.

The base class is the honest gateway. A defect overrides what it needs; a hook that delays returns seconds,
so that hooks stay plain functions and the honest path never waits.
"""

from collections.abc import Mapping, Sequence

from pytest_wdtts.protocol import AudioChunk, ClientMessage, Error, Resume, ServerMessage, TtsEnd


class UnknownDefect(ValueError):
    """No defect has this name; the text lists those that exist."""


class Defects:
    """The honest gateway: no hook changes anything."""

    def accept_pause_s(self) -> float:
        """Return how long to hold an upgrade before it is answered; below zero: refuse it with 500."""
        return 0.0

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        """Return the message that the session gets to see; None loses it."""
        return message

    def message_pause_s(self, session_id: str) -> float:
        """Return how long the next message of this session is left unread."""
        return 0.0

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        """Return how long the engine takes longer for this chunk. What it raises is an engine's failure."""
        return 0.0

    def chunk(self, session_id: str, first_unit: int, text: str, audio: bytes) -> tuple[str, bytes]:
        """Return the text (of the same length) and the PCM that enter the session's log."""
        return text, audio

    def resume(self, message: Resume) -> Resume:
        """Return the resume that the session gets to see."""
        return message

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[ServerMessage | bytes]:
        """Return what goes out instead of `message`, in order; bytes go out as they are."""
        return (message,)

    def end(self, message: TtsEnd | Error) -> Sequence[ServerMessage | bytes]:
        """Return what goes out last, before the close; nothing: the connection stays open and silent."""
        return (message,)


DEFECTS: Mapping[str, type[Defects]] = {}


def switch_on(requests: Sequence[str]) -> Defects:
    """Return the defects that `NAME[:ARGS]` requests ask for. Raises `UnknownDefect`."""
    for request in requests:
        name = request.partition(":")[0]
        if name not in DEFECTS:
            valid = ", ".join(sorted(DEFECTS)) or "none yet"
            raise UnknownDefect(f"--defect {name!r} is unknown; valid names: {valid}")
    return Defects()
