"""Two machines' clocks against each other, by round trips: pure arithmetic, and when not to trust it.

A worker's clock was read at some moment between our asking and its answer's coming. With nothing known of the way
there and back the best guess is the middle, and it is wrong by half the round trip at most (Cristian, 1989).
"""

from collections.abc import Iterable

from msgspec import Struct

from ..clock import NS_PER_MS, NS_PER_S

UNCERTAINTY_LIMIT_NS = 50 * NS_PER_MS
"""Parts that begin within 100 ms of each other: half of that for each side."""
WALL_LIMIT_NS = 5 * NS_PER_S
"""Above it a worker's own logs cannot be laid beside the report."""


class RoundTrip(Struct, frozen=True):
    """One look at a worker's clocks: our monotonic time before and after, our wall clock after, both of its own."""

    asked_ns: int
    answered_ns: int
    answered_wall_ns: int
    theirs_ns: int
    their_wall_ns: int


class Offset(Struct, frozen=True):
    """What to add to our clocks to have a worker's, and by how much that can be wrong either way."""

    monotonic_ns: int
    wall_ns: int
    uncertainty_ns: int

    @classmethod
    def measured(cls, trips: Iterable[RoundTrip]) -> "Offset":
        """Take the shortest round trip: it leaves the least room for error."""
        best = min(trips, key=lambda trip: trip.answered_ns - trip.asked_ns)
        half_ns = -(-(best.answered_ns - best.asked_ns) // 2)
        return cls(
            monotonic_ns=best.theirs_ns - (best.asked_ns + half_ns),
            wall_ns=best.their_wall_ns - (best.answered_wall_ns - half_ns),
            uncertainty_ns=half_ns,
        )

    def trouble(self) -> str:
        """Say why parts with this offset cannot stand on one time axis; "" where they can."""
        if self.uncertainty_ns > UNCERTAINTY_LIMIT_NS:
            return (
                f"its clock can be told to ±{self.uncertainty_ns / NS_PER_MS:.0f} ms only, {_LIMIT} is needed: "
                "the way to it is slow or the machine is busy"
            )
        if abs(self.wall_ns) > WALL_LIMIT_NS:
            return (
                f"its wall clock is {abs(self.wall_ns) / NS_PER_S:.1f} s {'ahead' if self.wall_ns > 0 else 'behind'}, "
                f"{WALL_LIMIT_NS / NS_PER_S:g} s is the limit: set both by NTP"
            )
        return ""

    def moved(self, later: "Offset") -> str:
        """Say that the clocks ran apart between two measurements, by more than these can be wrong; "" if not."""
        apart_ns = abs(later.monotonic_ns - self.monotonic_ns) - self.uncertainty_ns - later.uncertainty_ns
        if apart_ns <= UNCERTAINTY_LIMIT_NS:
            return ""
        return (
            f"its clock moved by {apart_ns / NS_PER_MS:.0f} ms against the leader's during the run, {_LIMIT} is allowed"
        )


_LIMIT = f"±{UNCERTAINTY_LIMIT_NS // NS_PER_MS} ms"
