"""The parts of a run on the workers of a Dask cluster; the leader stays where pytest runs, with the gateway.

Everything goes through the scheduler: the workers need no way to the leader, only to the gateway.
"""

import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import Future
from msgspec.structs import replace

from ..clock import NS_PER_MS, NS_PER_S
from ..errors import OwnFailure
from ..run import Snapshot
from ..stack import Gateway
from . import at_worker
from .dask_workers import ANSWER_LIMIT_S, DaskWorkers, TryGateway
from .member import READY_LIMIT_S
from .seam import Seat, Word
from .slices import part_path

LOOK_S = 0.25
"""How often we look whether a worker is still there."""


@contextmanager
def join_cluster(
    scheduler: str,
    sessions: int,
    directory: Path,
    try_gateway: TryGateway,
    follow: at_worker.Follow,
    show: Callable[[Snapshot], None] | None,
) -> "Iterator[Cluster]":
    """Meet the workers of a scheduler, at most one for each session. Raises as `DaskWorkers` does.

    `directory` takes the parts' journals; `try_gateway` and `follow` are what each worker does; `show` hears how
    the whole run stands.
    """
    # Our plans are large by Dask's measure, and go where they are needed.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
        workers = DaskWorkers(scheduler, sessions)
        try:
            yield Cluster(workers, directory, try_gateway, follow, show)
        finally:
            workers.close()


class Cluster:
    """The workers as followers; the leader's own seat has nothing to drive."""

    def __init__(
        self,
        workers: DaskWorkers,
        directory: Path,
        try_gateway: TryGateway,
        follow: at_worker.Follow,
        show: Callable[[Snapshot], None] | None,
    ) -> None:
        of = len(workers.addresses)
        self.seat = Seat(of, of, leads=True)
        self.lead_ns = 3 * NS_PER_S + of * NS_PER_S // 10
        self._workers = workers
        self._directory = directory
        self._try_gateway = try_gateway
        self._follow = follow
        self._show = show
        self._change = threading.Condition()
        self._points: dict[str, set[int]] = {}
        self._latest: dict[int, Snapshot] = {}
        self._parts: dict[int, Future[at_worker.Parcel]] = {}
        self._lost: dict[int, str] = {}
        self._run_id = self._scenario = ""

    def inspect(self, gateway: Gateway, transport: str, sessions: int) -> None:
        """Have every worker try the gateway. Raises `UsageError`."""
        self._workers.try_gateway(self._try_gateway, gateway, transport, sessions)

    def go(self, word: Word) -> None:
        """Give each worker the word, with the origin on its own clock."""
        self._run_id, self._scenario = word.plan.run_id, word.plan.scenario
        topic = f"wdtts-{self._run_id}"
        self._workers.client.subscribe_topic(topic, self._hear)
        for number, address in enumerate(self._workers.addresses):
            theirs = replace(word, origin_ns=word.origin_ns + self._workers.offsets[number].monotonic_ns)
            part = self._workers.client.submit(
                at_worker.carry_part,
                self._follow,
                theirs,
                Seat(number, self.seat.of),
                topic,
                key=f"{topic}-{number}",
                workers=[address],
                pure=False,
                priority=1,
            )
            part.add_done_callback(self._note_end)
            self._parts[number] = part

    def come_to(self, point: str) -> None:
        """Tell all that the leader has come to a point."""
        there = [self._workers.addresses[number] for number in self._workers.present()]
        self._workers.client.run(at_worker.tell, self._run_id, point, workers=there, on_error="ignore")

    def await_all(self, point: str) -> None:
        """Wait until all parts that are still driven have come to a point. Raises `OwnFailure`."""
        with self._change:
            if not self._change.wait_for(lambda: self._driven() <= self._points.get(point, set()), READY_LIMIT_S):
                raise OwnFailure(f"not every worker was {point} within {READY_LIMIT_S:g} s")

    def watch(self, now: Snapshot) -> None:
        """Show how the whole run stands, each time that the leader looks at itself."""
        with self._change:
            whole = Snapshot.whole([now, *self._latest.values()])
        if self._show is not None:
            self._show(whole)

    def await_end(self, limit_s: float) -> dict[int, str]:
        """Bring all journals home; return by number why a part is missing or not whole."""
        deadline_s = time.monotonic() + limit_s
        while self._driven() and time.monotonic() < deadline_s:
            self._lost |= dict.fromkeys(self._driven() - self._workers.present(), "its worker died")
            with self._change:
                self._change.wait_for(lambda: not self._driven(), LOOK_S)
        self._lost |= dict.fromkeys(self._driven(), f"its worker did not end within {limit_s:g} s")
        for number, part in self._parts.items():
            if number not in self._lost:
                self._bring_home(number, part)
        self._check_clocks()
        self._workers.client.cancel(list(self._parts.values()), force=True)
        return self._lost

    def leave(self) -> None:
        """Send them home with what they have."""
        self.come_to(at_worker.HOME)

    def described(self) -> dict[str, str]:
        """Which cluster, which hosts, and how far apart the parts' clocks can be."""
        worst_ns = max(offset.uncertainty_ns for offset in self._workers.offsets.values())
        hosts = sorted({introduction["host"] for introduction in self._workers.introductions})
        return {
            "cluster": self._workers.scheduler,
            "cluster_hosts": ", ".join(hosts),
            "clock_uncertainty_ms": f"{worst_ns / NS_PER_MS:.2f}",
        }

    # --- inside ------------------------------------------------------------------------------------------------

    def _driven(self) -> set[int]:
        return {number for number, part in self._parts.items() if not part.done()} - set(self._lost)

    def _bring_home(self, number: int, part: "Future[at_worker.Parcel]") -> None:
        try:
            parcel = part.result(timeout=ANSWER_LIMIT_S)
        except (Exception, CancelledError) as error:
            self._lost[number] = f"its worker sent nothing back ({error!r})"
            return
        if parcel.journal:
            part_path(self._directory, self._scenario, number).write_bytes(parcel.journal)
        if parcel.trouble:
            self._lost[number] = parcel.trouble

    def _check_clocks(self) -> None:
        for number, later in self._workers.measure(self._workers.present() - set(self._lost)).items():
            if moved := self._workers.offsets[number].moved(later):
                self._lost[number] = moved

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Hear, in the client's own thread, what a part says."""
        said = event[1]
        with self._change:
            if "now" in said:
                self._latest[said["number"]] = Snapshot(**said["now"])
            else:
                self._points.setdefault(said["point"], set()).add(said["number"])
            self._change.notify_all()

    def _note_end(self, part: "Future[at_worker.Parcel]") -> None:
        with self._change:
            self._change.notify_all()
