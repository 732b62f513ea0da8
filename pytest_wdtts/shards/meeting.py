"""Where the workers of one run meet: who takes part, when it begins, who came to the end, and who was lost.

The meeting lives in the process that outlives all workers. Each worker holds one connection to it for as long
as it lives, so a worker that dies is known at once, by the end of its connection and not by a timeout.
"""

import contextlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from typing import Any

from ..run import Snapshot
from .seam import Seat, Word

GATHER_LIMIT_S = 60.0
"""How long the workers that are there wait for those that are not."""


@dataclass(slots=True)
class _Gathering:
    """One run at the meeting, by workers' names."""

    expected: set[str]
    leader: str
    arrived: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    lost: dict[str, str] = field(default_factory=dict)
    points: dict[str, set[str]] = field(default_factory=dict)
    """Who has come to which point of the run."""
    latest: dict[str, Snapshot] = field(default_factory=dict)
    go: Word | None = None
    outcome: tuple[bytes, str] | None = None

    @property
    def closed(self) -> bool:
        """Whether it is settled who takes part."""
        return bool(self.numbers) or self.leader in self.lost

    @property
    def at_it(self) -> set[str]:
        """Who takes part and is neither through nor lost."""
        return set(self.numbers) - self.done - set(self.lost)

    def at(self, point: str) -> set[str]:
        """Who has come to a point."""
        return self.points.setdefault(point, set())


class Meeting:
    """The meeting point; give `address` and `key` to the workers. `show` hears every second how the whole run is."""

    def __init__(self, show: Callable[[Snapshot], None] | None = None) -> None:
        self._show = show
        self.key = secrets.token_bytes(32)
        self._listener = Listener(authkey=self.key)
        self.address: Any = self._listener.address
        self.rows: dict[str, list[str]] = {}
        """Test ids by run, as the workers announced them."""
        self.refused = ""
        """Why no run may begin at all, in the words of a worker that looked at what is asked for."""
        self._runs: dict[str, _Gathering] = {}
        self._change = threading.Condition()
        self._closed = False
        self._answers: dict[str, Callable[..., Any]] = {
            "announce": self._announce,
            "join": self._join,
            "go": self._go,
            "await_go": self._await_go,
            "done": self._done,
            "fail": self._fail,
            "await_end": self._await_end,
            "come_to": self._come_to,
            "await_all": self._await_all,
            "await_leader": self._await_leader,
            "refuse": self._refuse,
            "outcome": self._outcome,
        }
        threading.Thread(target=self._accept, daemon=True, name="wdtts-meeting").start()

    def expect(self, run: str, workers: list[str], leader: str) -> None:
        """Say who is to take part in a run."""
        with self._change:
            self._runs[run] = _Gathering(set(workers), leader)
            self._change.notify_all()

    def lost(self, worker: str, why: str = "its worker died") -> None:
        """Say that a worker is gone, whatever it was at."""
        with self._change:
            for run in self._runs.values():
                if worker in run.expected and worker not in run.done:
                    run.lost.setdefault(worker, why)
            self._change.notify_all()

    def outcomes(self) -> dict[str, tuple[bytes, str]]:
        """Return by run what its judge told: the outcome, or the error that ended it."""
        with self._change:
            return {name: run.outcome for name, run in self._runs.items() if run.outcome is not None}

    def close(self) -> None:
        """Let nobody in any more."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.close()

    # --- what workers ask ------------------------------------------------------------------------------------

    def _announce(self, worker: str, rows: dict[str, list[str]]) -> None:
        self.rows |= rows

    def _join(self, worker: str, name: str) -> Seat:
        run = self._runs[name]
        run.arrived.add(worker)
        self._change.notify_all()
        if run.closed and worker not in run.numbers:
            return Seat(over=True, invited=worker in run.expected)
        self._wait_for(lambda: run.closed or run.expected <= run.arrived | set(run.lost), GATHER_LIMIT_S)
        if not run.closed:
            present = sorted(run.arrived - set(run.lost), key=lambda name: (name != run.leader, name))
            run.numbers = {name: number for number, name in enumerate(present)}
            for absent in run.expected - set(present):
                run.lost.setdefault(absent, f"its worker did not come within {GATHER_LIMIT_S:g} s")
            self._change.notify_all()
        if worker not in run.numbers:
            return Seat(over=True)
        return Seat(run.numbers[worker], len(run.numbers), worker == run.leader)

    def _go(self, worker: str, name: str, word: Word) -> None:
        self._runs[name].go = word
        self._change.notify_all()

    def _await_go(self, worker: str, name: str, limit_s: float) -> Word | None:
        run = self._runs[name]
        self._wait_for(lambda: run.go is not None or run.leader in run.lost or run.leader in run.done, limit_s)
        return run.go

    def _done(self, worker: str, name: str) -> None:
        self._runs[name].done.add(worker)
        self._change.notify_all()

    def _fail(self, worker: str, name: str, why: str) -> None:
        self._runs[name].lost[worker] = why
        self._change.notify_all()

    def _come_to(self, worker: str, name: str, point: str) -> None:
        self._runs[name].at(point).add(worker)
        self._change.notify_all()

    def _await_all(self, worker: str, name: str, point: str, limit_s: float) -> bool:
        run = self._runs[name]
        return self._wait_for(lambda: run.at_it <= run.at(point) | {worker}, limit_s)

    def _await_leader(self, worker: str, name: str, point: str, limit_s: float) -> bool:
        run = self._runs[name]
        self._wait_for(lambda: run.leader in run.at(point) | run.done | set(run.lost), limit_s)
        return run.leader in run.at(point)

    def _refuse(self, worker: str, why: str) -> None:
        self.refused = why

    def _await_end(self, worker: str, name: str, limit_s: float) -> tuple[int, dict[int, str], str]:
        """Wait until the others are through; return how many took part, the lost ones by number, and the run's id.

        The id is empty for a run that never began.
        """
        run = self._runs[name]
        self._wait_for(lambda: run.closed and not run.at_it, limit_s)
        for late in run.at_it:
            run.lost[late] = f"its worker did not end within {limit_s:g} s"
        lost = {run.numbers[worker]: why for worker, why in run.lost.items() if worker in run.numbers}
        return len(run.numbers), lost, run.go.plan.run_id if run.go else ""

    def _outcome(self, worker: str, name: str, told: bytes, error: str) -> None:
        self._runs[name].outcome = (told, error)

    # --- the connections --------------------------------------------------------------------------------------

    def _wait_for(self, condition: Callable[[], bool], limit_s: float) -> bool:
        return self._change.wait_for(condition, timeout=limit_s)

    def _watch(self, worker: str, name: str, now: Snapshot) -> None:
        with self._change:
            latest = self._runs[name].latest
            latest[worker] = now
            whole = Snapshot.whole(list(latest.values()))
        if self._show is not None:
            self._show(whole)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):
                if self._closed:
                    return
                continue  # A stranger, or one that went away at the door.
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: "Connection[Any, Any]") -> None:
        """Answer one line until it ends; the end of a life-line is the end of its worker."""
        worker, lives = "", True
        try:
            worker, lives = connection.recv()
            while True:
                question, *arguments = connection.recv()
                if question == "watch":  # Told, not asked: the load does not wait for whoever looks on.
                    self._watch(worker, *arguments)
                    continue
                with self._change:
                    answer = self._answers[question](worker, *arguments)
                connection.send(answer)
        except (EOFError, OSError):
            if lives:
                self.lost(worker)
