"""The frames of one session, in the order in which they leave: `seq` grows by one."""

import json
from functools import cache

from ..protocol import Cancel, Resume, Start, TextDelta, TextEnd, encode


class Outgoing:
    """Makes a session's frames; a single unit's is put together from parts made once."""

    def __init__(self, start: Start) -> None:
        self._id = start.session_id
        self._start = encode(start)
        self._seq = 0
        head = encode(TextDelta(self._id, 7, "x")).decode()
        self._before_seq, rest = head.split("7,", 1)
        self._before_text = rest.rsplit('"x"', 1)[0]

    def start(self) -> bytes:
        """The frame that opens the session, or attaches to it again."""
        return self._start

    def unit(self, unit: str) -> bytes:
        """One unit in a delta of its own: what `text` makes, at a quarter of the price."""
        frame = f"{self._before_seq}{self._take_seq()},{self._before_text}{_quoted(unit)}}}"
        return frame.encode("utf-8", "surrogatepass")

    def text(self, text: str) -> bytes:
        """Many units in one delta."""
        return encode(TextDelta(self._id, self._take_seq(), text))

    def text_end(self) -> bytes:
        """No more text."""
        return encode(TextEnd(self._id, self._take_seq()))

    def cancel(self) -> bytes:
        """Stop now."""
        return encode(Cancel(self._id, self._take_seq()))

    def resume(self, last_unit_received: int) -> bytes:
        """Replay what came after this unit."""
        return encode(Resume(self._id, last_unit_received))

    def _take_seq(self) -> int:
        self._seq += 1
        return self._seq - 1


@cache
def _quoted(unit: str) -> str:
    """A unit as JSON; a text has few different ones."""
    return json.dumps(unit, ensure_ascii=False)
