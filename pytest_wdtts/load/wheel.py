"""A timer wheel: thousands of planned times behind one timer of the event loop.

Times are absolute, so a late turn never moves the plan: what was due meanwhile comes out at once.
"""

from collections import defaultdict
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Generic, TypeVar

from ..clock import NS_PER_MS

T = TypeVar("T")


class TimerWheel(Generic[T]):
    """Items by due time, in slots of `slot_ns`; an item never comes out before it is due.

    `on_earlier` is called when an item comes before all others, for whoever set a timer by `next_ns`.
    """

    def __init__(self, slot_ns: int = NS_PER_MS, on_earlier: Callable[[], None] | None = None) -> None:
        self._slot_ns = slot_ns
        self._on_earlier = on_earlier
        self._slots: defaultdict[int, list[T]] = defaultdict(list)
        self._order: list[int] = []

    def schedule(self, at_ns: int, item: T) -> None:
        """Put `item` down for `at_ns`, which may have passed already."""
        slot = -(-at_ns // self._slot_ns)
        if slot not in self._slots:
            heappush(self._order, slot)
        self._slots[slot].append(item)
        if self._on_earlier is not None and self._order[0] == slot and len(self._slots[slot]) == 1:
            self._on_earlier()

    def take_due(self, now_ns: int) -> list[T]:
        """Return what is due at `now_ns`, oldest first, and forget it."""
        due: list[T] = []
        last = now_ns // self._slot_ns
        while self._order and self._order[0] <= last:
            due += self._slots.pop(heappop(self._order))
        return due

    def next_ns(self) -> int | None:
        """When to look again, or None when nothing is planned."""
        return self._order[0] * self._slot_ns if self._order else None
