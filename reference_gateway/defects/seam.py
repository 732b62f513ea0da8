"""Where misbehaviour can be switched in: one object, asked at every place where a gateway can go wrong.

The base class is the honest gateway. A defect overrides what it needs. Hooks are plain functions that return
what is to happen, so that the honest path never waits.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from enum import Enum
from typing import NamedTuple

from pytest_wdtts.protocol import AudioChunk, ClientMessage, Error, Resume, ServerMessage, TtsEnd

from ..session import Limits


class Pause(NamedTuple):
    """Wait before the next step."""

    seconds: float


class Cut(Enum):
    """Drop the connection without a close frame; nothing after it goes out."""

    CUT = "cut"


class Close(NamedTuple):
    """Close the connection with this code; nothing after it goes out."""

    code: int


Step = ServerMessage | bytes | Pause | Cut | Close
"""One thing that a gateway does to its client; bytes go out as they are, as a text frame."""


class Defects:
    """The honest gateway: no hook changes anything."""

    def limits(self, limits: Limits) -> Limits:
        """Return what each session may really hold, whatever `start_ack` says of it."""
        return limits

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

    def supersedes(self, session_id: str) -> bool:
        """Return whether a new connection of this session closes the old one."""
        return True

    def sending(self) -> AbstractAsyncContextManager[object]:
        """Return what is held while one message is handed to a socket."""
        return nullcontext()

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        """Return what goes out instead of `message`, in order."""
        return (message,)

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        """Return what goes out last, before the close."""
        return (message,)
