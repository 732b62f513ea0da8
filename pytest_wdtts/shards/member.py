"""A worker's line to the meeting, and its place in one run there."""

from multiprocessing.connection import Client
from typing import Any

from ..clock import NS_PER_S
from ..errors import OwnFailure
from ..run import Snapshot
from ..stack import Gateway
from .seam import Seat, Word

READY_LIMIT_S = 15.0
"""How long a leader waits for the others before it breaks the gateway: each only has to come to the planned time."""
MEND_LIMIT_S = 120.0
"""How long a follower waits for the leader's word that the gateway is mended; the stack has deadlines of its own."""


class Member:
    """A worker's life-line to the meeting: a worker whose line breaks is lost."""

    def __init__(self, address: Any, key: bytes, worker: str) -> None:
        self._address, self._key, self._worker = address, key, worker
        self._connection = self._dial(lives=True)

    def ask(self, question: str, *arguments: Any) -> Any:
        """Ask one of the meeting's questions and wait for the answer. Raises `ConnectionError` when it is gone."""
        try:
            self._connection.send((question, *arguments))
            return self._connection.recv()
        except EOFError:
            raise ConnectionResetError("the process that holds the run together is gone") from None

    def ask_aside(self, question: str, *arguments: Any) -> Any:
        """Ask on a line of its own: from any thread, while the life-line goes on."""
        with self._dial(lives=False) as line:
            line.send((question, *arguments))
            return line.recv()

    def tell(self, news: str, *arguments: Any) -> None:
        """Say what needs no answer, so that nobody waits for one."""
        self._connection.send((news, *arguments))

    def leave(self) -> None:
        """Break the line; whoever leaves before its part is done is lost."""
        self._connection.close()

    def _dial(self, lives: bool) -> Any:
        line = Client(self._address, authkey=self._key)
        line.send((self._worker, lives))
        return line


class Place:
    """A worker's place in one run: `Followers` for the one that leads, `Leader` for those that follow."""

    lead_ns = 3 * NS_PER_S // 2

    def __init__(self, member: Member, run: str, seat: Seat) -> None:
        self.seat = seat
        self._member = member
        self._run = run

    def inspect(self, gateway: Gateway, transport: str, sessions: int) -> None:
        """All are on this machine, as the leader is, which has tried it."""

    def go(self, word: Word) -> None:
        """Give the word to all."""
        self._member.ask("go", self._run, word)

    def await_go(self, limit_s: float) -> Word | None:
        """Wait for the leader's word; None where it never comes."""
        word: Word | None = self._member.ask("await_go", self._run, limit_s)
        return word

    def come_to(self, point: str) -> None:
        """Tell the others that we have come to a point."""
        self._member.ask_aside("come_to", self._run, point)

    def await_all(self, point: str) -> None:
        """Wait until all others that are still at it have come to a point. Raises `OwnFailure`."""
        if not self._member.ask_aside("await_all", self._run, point, READY_LIMIT_S):
            raise OwnFailure(f"not every worker was {point} within {READY_LIMIT_S:g} s: give them more CPU")

    def await_leader(self, point: str) -> None:
        """Wait until the leader has come to a point. Raises `OwnFailure`."""
        if not self._member.ask_aside("await_leader", self._run, point, MEND_LIMIT_S):
            raise OwnFailure(f"the worker that leads the run never {point}")

    def watch(self, now: Snapshot) -> None:
        """Tell how our part stands."""
        self._member.tell("watch", self._run, now)

    def done(self) -> None:
        """Say that we are through. Aside: where Ctrl-C cut a question short, its answer is still on the life-line."""
        self._member.ask_aside("done", self._run)

    def fail(self, why: str) -> None:
        """Say why our part is no evidence."""
        self._member.ask_aside("fail", self._run, why)

    def await_end(self, limit_s: float) -> dict[int, str]:
        """Be done, wait for the others; return by number why a part did not come to its end."""
        self.done()
        lost: dict[int, str] = self._member.ask_aside("await_end", self._run, limit_s)[1]
        return lost

    def leave(self) -> None:
        """Take part no longer: who still waits for our word goes home."""
        self.done()

    def described(self) -> dict[str, str]:
        """All on this machine: nothing to add."""
        return {}
