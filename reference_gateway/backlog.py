"""Text that waits for synthesis, kept as text because text is cheap, cut into chunks only when asked."""

import re
from collections import deque

from pytest_wdtts.protocol import MAX_PENDING_UNITS, flush_pattern

_rule = flush_pattern(MAX_PENDING_UNITS)
# The halves of one character in two deltas are two units. Side by side in one JSON text they would be read as that
# character, one unit, and the indices of the chunk would count more than its text has.
_halves = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_UNREADABLE = "\ufffd"


class Backlog:
    """The units of a session that no chunk holds yet."""

    __slots__ = ("_arrived", "_head", "_position", "units")

    def __init__(self) -> None:
        self.units = 0
        """How many units wait."""
        self._head = ""
        self._position = 0
        self._arrived: deque[str] = deque()

    def add(self, text: str) -> None:
        """Append units as they came."""
        self._arrived.append(text)
        self.units += len(text)

    def cut(self, *, flush: bool) -> str:
        """Take the next chunk's text by the flush rule, with `flush` also the rest; empty if none is due."""
        # Joining only what did not make a chunk (under 24 units) with the next delta keeps a session that
        # types one unit at a time and one that sends a novel in one frame equally cheap.
        while not (match := _rule.match(self._head, self._position)):
            self._head, self._position = self._head[self._position :], 0
            if not self._arrived:
                return self._take_rest() if flush else ""
            self._head += self._arrived.popleft()
        self._position = match.end()
        return self._count_off(match.group())

    def _take_rest(self) -> str:
        rest, self._head = self._head, ""
        return self._count_off(rest)

    def _count_off(self, piece: str) -> str:
        self.units -= len(piece)
        return _halves.sub(2 * _UNREADABLE, piece)
