"""The produced chunks of one session, with a cursor: before it what was sent, after it what was not."""

from collections import deque
from typing import NamedTuple


class Chunk(NamedTuple):
    """Synthesised audio of the units `first_unit` to `last_unit`, both included."""

    seq: int
    first_unit: int
    last_unit: int
    text: str
    audio: bytes


class ChunkLog:
    """Two deques that meet at the cursor, so that to move the cursor is to move chunks across.

    The sent side is the cache window of `resume`, bounded in chunks and bytes; whatever leaves it is gone.
    """

    def __init__(self, cache_chunks: int, cache_bytes: int) -> None:
        self._cache_chunks = cache_chunks
        self._cache_bytes = cache_bytes
        self._sent: deque[Chunk] = deque()
        self._unsent: deque[Chunk] = deque()
        self._next_seq = 0
        self.sent_bytes = 0
        self.unsent_bytes = 0
        self.produced_through = -1
        """Last unit of the newest chunk."""
        self.sent_through = -1
        """Last unit that was ever sent."""
        self.evicted_through = -1
        """Last unit that `move_cursor` can no longer bring back."""

    @property
    def sent_chunks(self) -> int:
        """How many chunks the cache window holds."""
        return len(self._sent)

    @property
    def unsent_chunks(self) -> int:
        """How many chunks lie after the cursor."""
        return len(self._unsent)

    @property
    def cursor_unit(self) -> int:
        """First unit after the cursor: where sending goes on."""
        return self._unsent[0].first_unit if self._unsent else self.produced_through + 1

    def append(self, text: str, audio: bytes) -> None:
        """Add the next chunk."""
        first = self.produced_through + 1
        self.produced_through += len(text)
        self._unsent.append(Chunk(self._next_seq, first, self.produced_through, text, audio))
        self._next_seq += 1
        self.unsent_bytes += len(audio)

    def take(self) -> Chunk | None:
        """Move the cursor over one chunk and return it; None where all is sent."""
        if not self._unsent:
            return None
        chunk = self._step_forward()
        self.sent_through = max(self.sent_through, chunk.last_unit)
        self._evict()
        return chunk

    def move_cursor(self, last_unit: int) -> None:
        """Put the cursor before the first chunk that ends after `last_unit`.

        It may go forward as well: a replay that broke off leaves it among chunks that were sent before.
        """
        while self._sent and self._sent[-1].last_unit > last_unit:
            chunk = self._sent.pop()
            self.sent_bytes -= len(chunk.audio)
            self._unsent.appendleft(chunk)
            self.unsent_bytes += len(chunk.audio)
        while self._unsent and self._unsent[0].last_unit <= last_unit:
            self._step_forward()
        self._evict()

    def shrink(self, cache_bytes: int) -> None:
        """Let the oldest of what was sent leave the cache window, down to so many bytes."""
        self._drop_oldest(self._cache_chunks, cache_bytes)

    def clear(self) -> None:
        """Drop all audio, sent and unsent; the counts of units stay."""
        self._sent.clear()
        self._unsent.clear()
        self.sent_bytes = self.unsent_bytes = 0

    def _step_forward(self) -> Chunk:
        chunk = self._unsent.popleft()
        self.unsent_bytes -= len(chunk.audio)
        self._sent.append(chunk)
        self.sent_bytes += len(chunk.audio)
        return chunk

    def _evict(self) -> None:
        self._drop_oldest(self._cache_chunks, self._cache_bytes)

    def _drop_oldest(self, most_chunks: int, most_bytes: int) -> None:
        while len(self._sent) > most_chunks or self.sent_bytes > most_bytes:
            chunk = self._sent.popleft()
            self.sent_bytes -= len(chunk.audio)
            self.evicted_through = chunk.last_unit
