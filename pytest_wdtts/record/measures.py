"""The measures of a run, computed from its records; all in ns, exact, one value per unit or chunk.

For a chunk that covers units s..e: flush wait of u = sent(e) - sent(u), service time = received - sent(e), and
UnitLatency of u = received - sent(u) is their sum to the nanosecond. No knowledge of the flush rule is needed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .histogram import Nanoseconds
from .session import EventKind, SessionRecord

_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Series:
    """Values with the time that each belongs to and the place of its session in the list given."""

    value_ns: Nanoseconds
    at_ns: Nanoseconds
    session: Nanoseconds

    def within(self, start_ns: int, end_ns: int) -> "Series":
        """The values whose time lies in start..end, the end not included."""
        return self.where((self.at_ns >= start_ns) & (self.at_ns < end_ns))

    def where(self, wanted: NDArray[np.bool_]) -> "Series":
        """The values that are wanted, one word for each."""
        return Series(self.value_ns[wanted], self.at_ns[wanted], self.session[wanted])

    def __len__(self) -> int:
        return len(self.value_ns)


@dataclass(frozen=True, slots=True)
class Measures:
    """Every measure of a set of sessions.

    Unit measures are timed by the sending of the unit, service time by the sending of the chunk's last unit,
    TTFA by the opening of the connection. `planned_latency` is UnitLatency from the planned send time.
    """

    unit_latency: Series
    flush_wait: Series
    service_share: Series
    planned_latency: Series
    service_time: Series
    send_lateness: Series
    ttfa: Series
    chunk_gap: Series

    @classmethod
    def of(cls, records: Iterable[SessionRecord]) -> "Measures":
        """Compute them all. A unit that came twice counts once, as it came first."""
        columns: dict[str, list[tuple[Nanoseconds, Nanoseconds, int]]] = {name: [] for name in cls.__slots__}
        for place, record in enumerate(records):
            for name, (value_ns, at_ns) in _measure(record).items():
                columns[name].append((value_ns, at_ns, place))
        return cls(**{name: _joined(parts) for name, parts in columns.items()})


def _joined(parts: list[tuple[Nanoseconds, Nanoseconds, int]]) -> Series:
    if not parts:
        return Series(_NONE, _NONE, _NONE)
    return Series(
        np.concatenate([value_ns for value_ns, _, _ in parts]),
        np.concatenate([at_ns for _, at_ns, _ in parts]),
        np.concatenate([np.full(len(value_ns), place, dtype=np.int64) for value_ns, _, place in parts]),
    )


def _measure(record: SessionRecord) -> dict[str, tuple[Nanoseconds, Nanoseconds]]:
    sent_ns = np.array(record.sent_ns, dtype=np.int64)
    lateness_ns = np.array(record.lateness_ns, dtype=np.int64)
    received_ns, start, end = _sound_chunks(record, len(sent_ns))
    unit, chunk = _first_receipts(start, end, len(sent_ns))
    last_sent_ns = sent_ns[end]
    plan = record.plan
    planned_ns = plan.first_unit_ns + unit * plan.interval_ns
    opening_ns = next((event.at_ns for event in record.events if event.kind is EventKind.OPENING), None)
    ttfa = _NONE, _NONE
    if opening_ns is not None and record.received_ns:
        ttfa = _one(record.received_ns[0] - opening_ns), _one(opening_ns)
    return {
        "unit_latency": (received_ns[chunk] - sent_ns[unit], sent_ns[unit]),
        "flush_wait": (last_sent_ns[chunk] - sent_ns[unit], sent_ns[unit]),
        "service_share": (received_ns[chunk] - last_sent_ns[chunk], sent_ns[unit]),
        "planned_latency": (received_ns[chunk] - planned_ns, planned_ns),
        "service_time": (received_ns - last_sent_ns, last_sent_ns),
        "send_lateness": (lateness_ns, sent_ns),
        "ttfa": ttfa,
        "chunk_gap": (np.diff(received_ns), received_ns[1:]),
    }


def _sound_chunks(record: SessionRecord, sent: int) -> tuple[Nanoseconds, Nanoseconds, Nanoseconds]:
    """The chunks whose span lies within what was sent, in order of receipt."""
    received_ns = np.array(record.received_ns, dtype=np.int64)
    start = np.array(record.chunk_start, dtype=np.int64)
    end = np.array(record.chunk_end, dtype=np.int64)
    sound = (start >= 0) & (end >= start) & (end < sent)
    return received_ns[sound], start[sound], end[sound]


def _first_receipts(start: Nanoseconds, end: Nanoseconds, sent: int) -> tuple[Nanoseconds, Nanoseconds]:
    """For every unit received: its index, and the number of the chunk that brought it first."""
    chunk_of = np.full(sent, -1, dtype=np.int64)
    for number in range(len(start) - 1, -1, -1):
        chunk_of[start[number] : end[number] + 1] = number
    unit = np.flatnonzero(chunk_of >= 0)
    return unit, chunk_of[unit]


def _one(value: int) -> Nanoseconds:
    return np.array([value], dtype=np.int64)
