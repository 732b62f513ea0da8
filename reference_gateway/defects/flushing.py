"""Defects of the flush rule: chunks that should go out by themselves wait for what comes after them."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from pytest_wdtts.protocol import (
    FLUSH_MARKS,
    MAX_PENDING_UNITS,
    AudioChunk,
    ClientMessage,
    Error,
    ServerMessage,
    TextDelta,
    TtsEnd,
)

from .chance import Defect
from .seam import Step


@dataclass(kw_only=True)
class Merging(Defect, abstract=True):
    """Joins a chunk that `holds` to the one after it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._waiting: dict[str, AudioChunk] = {}
        self._merged: dict[str, int] = {}

    def holds(self, chunk: AudioChunk) -> bool:
        """Return whether this chunk waits for more."""
        raise NotImplementedError

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if not isinstance(message, AudioChunk):
            return (message,)
        session_id = message.session_id
        if before := self._waiting.pop(session_id, None):
            self._merged[session_id] = self._merged.get(session_id, 0) + 1
            message = replace(
                message,
                unit_index_start=before.unit_index_start,
                units_text=before.units_text + message.units_text,
                audio=before.audio + message.audio,
            )
        message = replace(message, chunk_seq=message.chunk_seq - self._merged.get(session_id, 0))
        if self.begun and self.holds(message):
            self._waiting[session_id] = message
            return ()
        return (message,)

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        before = self._waiting.pop(message.session_id, None)
        return (before, message) if before else (message,)


class LimitIgnored(Merging):
    """24 pending units are not flushed: only a mark or `text_end` makes a chunk."""

    def holds(self, chunk: AudioChunk) -> bool:
        return len(chunk.units_text) % MAX_PENDING_UNITS == 0 and chunk.units_text[-1] not in FLUSH_MARKS


class MarksIgnored(Merging):
    """A mark flushes only where it is the last unit of its `text_delta`, not inside one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._delta_ends: dict[str, list[int]] = {}

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        if isinstance(message, TextDelta):
            ends = self._delta_ends.setdefault(message.session_id, [-1])
            ends.append(ends[-1] + len(message.text))
        return message

    def holds(self, chunk: AudioChunk) -> bool:
        ends = self._delta_ends.get(chunk.session_id, [])
        return chunk.units_text[-1] in FLUSH_MARKS and chunk.unit_index_end not in ends


@dataclass(kw_only=True)
class FlushLimit(Merging):
    """Nothing is flushed before `units` units are pending, marks or not."""

    units: float = 48.0

    def holds(self, chunk: AudioChunk) -> bool:
        return len(chunk.units_text) < self.units
