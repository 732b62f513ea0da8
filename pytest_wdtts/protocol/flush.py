"""The flush rule of v1: when pending units become one chunk."""

import re
from collections.abc import Iterator

MAX_PENDING_UNITS = 24
FLUSH_MARKS = frozenset("，。！？；：,.!?;\n")

_marks = "".join(re.escape(mark) for mark in sorted(FLUSH_MARKS))


def flush_pattern(max_pending_units: int) -> "re.Pattern[str]":
    """Match one whole chunk: up to a mark, or a full set of pending units without one."""
    up_to_a_mark = f"[^{_marks}]{{0,{max_pending_units - 1}}}[{_marks}]"
    return re.compile(f"{up_to_a_mark}|[^{_marks}]{{{max_pending_units}}}")


_rule = flush_pattern(MAX_PENDING_UNITS)


def split_chunks(text: str) -> Iterator[str]:
    """Yield the whole chunks at the start of `text`; what is left stays pending.

    The reader keeps its own count: `len(text) - sum(len(chunk))` units are pending after the last one.
    """
    position = 0
    while match := _rule.match(text, position):
        yield match.group()
        position = match.end()


def chunk_ends(text: str) -> list[int]:
    """Return the index of the last unit of every chunk that v1 makes of a whole text, `text_end` included."""
    ends: list[int] = []
    position = 0
    for chunk in split_chunks(text):
        position += len(chunk)
        ends.append(position - 1)
    if position < len(text):
        ends.append(len(text) - 1)
    return ends
