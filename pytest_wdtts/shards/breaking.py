"""A gateway that one part of a run breaks and mends while the others only have to know of it.

At the planned time every part takes the gateway for away before it says so; the leader waits for all of them
and breaks it then. So no part can lose a connection to a fault that it does not expect yet.
"""

from ..stack import Gateway, Stack
from .seam import Followers, Leader


class LeadersStack:
    """The leader's stack: breaks when all others are ready, tells them when it is mended."""

    def __init__(self, stack: Stack, followers: Followers) -> None:
        self._stack = stack
        self._followers = followers
        self.name = stack.name
        self.breaks = stack.breaks
        self.start = stack.start
        self.stop = stack.stop
        self.pids = stack.pids
        self.containers = stack.containers

    def break_down(self, how: str) -> None:
        """Break it, once every part expects it."""
        self._followers.await_all(_ready(how))
        self._stack.break_down(how)

    def mend(self, how: str) -> None:
        """Mend it, and tell."""
        self._stack.mend(how)
        self._followers.come_to(_mended(how))


class FollowersStack:
    """The same gateway as a follower sees it: broken and mended by somebody else, who also counts and samples."""

    breaks: frozenset[str] = frozenset()

    def __init__(self, name: str, gateway: Gateway, leader: Leader) -> None:
        self.name = name
        self._gateway = gateway
        self._leader = leader

    def start(self) -> Gateway:
        """It is up already."""
        return self._gateway

    def stop(self) -> None:
        """The leader does."""

    def break_down(self, how: str) -> None:
        """Say that this part expects it."""
        self._leader.come_to(_ready(how))

    def mend(self, how: str) -> None:
        """Wait until the leader has mended it."""
        self._leader.await_leader(_mended(how))

    def pids(self) -> None:
        """The leader looks at them, once for all."""

    def containers(self) -> dict[str, int]:
        """The leader samples them."""
        return {}


def _ready(how: str) -> str:
    return f"ready for {how}"


def _mended(how: str) -> str:
    return f"mended {how}"
