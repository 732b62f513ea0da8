"""Monotonic time in nanoseconds: the real clock, and one that only tests advance."""

import time

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class MonotonicClock:
    """The machine's monotonic clock."""

    now_ns = staticmethod(time.monotonic_ns)


class VirtualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the virtual time."""
        return self._now_ns

    def advance(self, by_ns: int) -> None:
        """Move time forward; never back."""
        if by_ns < 0:
            raise ValueError(f"time cannot go back by {-by_ns} ns")
        self._now_ns += by_ns
