"""What holds the parts of one run together, wherever they are driven: a leader, and those who follow it.

The leader brings the gateway up, gives the word, breaks and mends the gateway, and judges. `Followers` is how it
sees the others, `Leader` how they see it. Both ways are open from the word to the end of the run.
"""

from typing import Protocol

from msgspec import Struct

from ..run import RunPlan, Snapshot
from ..stack import Gateway


class Seat(Struct, frozen=True):
    """A part in a run: shard `number` of `of`, numbered from 0. A leader whose number is `of` only leads.

    `over` says that the run was begun without it: it can only judge what others left. `invited` tells a worker that
    was to take part from one that came in the place of a lost one.
    """

    number: int = 0
    of: int = 1
    leads: bool = False
    over: bool = False
    invited: bool = True


class Word(Struct, frozen=True, kw_only=True):
    """What the leader gives to all when they may begin.

    `origin_ns` is the run's origin on the monotonic clock of whoever reads it; `order` is what the journal keeps of
    what was asked for.
    """

    plan: RunPlan
    gateway: Gateway
    stack: str
    transport: str
    origin_ns: int
    order: dict[str, object]


class Followers(Protocol):
    """Those who drive the other parts. Each wait has a deadline; what went wrong is an `OwnFailure`."""

    seat: Seat
    """The leader's own."""
    lead_ns: int
    """From the word to the run's origin: time for all to hear it and to lay out their parts."""

    def inspect(self, gateway: Gateway, transport: str, sessions: int) -> None:
        """Make sure that each of them can drive its share against this gateway. Raises `UsageError`."""

    def go(self, word: Word) -> None:
        """Let them begin."""

    def come_to(self, point: str) -> None:
        """Tell them that the leader has come to a point of the run."""

    def await_all(self, point: str) -> None:
        """Wait until every one of them that is still at it has come to a point."""

    def watch(self, now: Snapshot) -> None:
        """Take how the leader's own part stands."""

    def await_end(self, limit_s: float) -> dict[int, str]:
        """Wait until all are through; return by number why a part did not come to its end."""
        ...

    def leave(self) -> None:
        """Send them home: the leader cannot go on."""

    def described(self) -> dict[str, str]:
        """What a report's reader needs to know of where the parts were driven."""
        ...


class Leader(Protocol):
    """The leader, as one who follows sees it."""

    def come_to(self, point: str) -> None:
        """Tell it that this part has come to a point of the run."""

    def await_leader(self, point: str) -> None:
        """Wait until it has come to a point. Raises `OwnFailure` where it never does."""

    def watch(self, now: Snapshot) -> None:
        """Tell it how this part stands. Raises `OwnFailure` where nobody wants this part any more."""
