"""What runs inside a Dask worker: it says who it is, hears what the leader tells, and drives its part.

All of it is called by name from the leader, so the first thing asked is whether both have the same version.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from distributed import get_worker
from msgspec import Struct
from msgspec.structs import asdict

from .. import __version__
from ..errors import OwnFailure
from ..record import SCHEMA
from ..run import Snapshot
from .member import MEND_LIMIT_S
from .seam import Leader, Seat, Word

HOME = "the end, before it was planned"
"""The point at which the leader sends all parts home."""

Follow = Callable[[Word, Seat, Leader, Path], None]


class Parcel(Struct, frozen=True):
    """What a worker sends back: its journal's bytes, and why they are no whole part ("": they are)."""

    journal: bytes
    trouble: str


def introduce() -> dict[str, str]:
    """Say what has to be the same on both sides, and where we are."""
    return {"pytest_wdtts": __version__, "schema": SCHEMA, "loopback": loopback(), "host": socket.gethostname()}


def loopback() -> str:
    """Name the loopback that this process sees: whoever sees the same can reach it by 127.0.0.1."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/net')}"
    except OSError:  # Only Linux has namespaces to tell apart.
        return socket.gethostname()


def read_clocks() -> tuple[int, int]:
    """Return our monotonic and our wall clock, ns."""
    return time.monotonic_ns(), time.time_ns()


class _Desk:
    """Where the leader's words for one part lie until the part asks for them."""

    def __init__(self) -> None:
        self.points: set[str] = set()
        self.change = threading.Condition()


_DESKS: dict[str, _Desk] = {}


def tell(run_id: str, point: str) -> None:
    """Hear that the leader has come to a point of a run."""
    desk = _DESKS.get(run_id)
    if desk is not None:
        with desk.change:
            desk.points.add(point)
            desk.change.notify_all()


class _LeaderAfar:
    """The leader, as a part sees it through the scheduler."""

    def __init__(self, topic: str, number: int, desk: _Desk) -> None:
        self._topic = topic
        self._number = number
        self._desk = desk
        self._worker = get_worker()
        self._task = str(self._worker.get_current_task())

    def come_to(self, point: str) -> None:
        """Tell it that we have come to a point."""
        self._worker.log_event(self._topic, {"number": self._number, "point": point})

    def await_leader(self, point: str) -> None:
        """Wait until it has come to a point. Raises `OwnFailure`."""
        with self._desk.change:
            if not self._desk.change.wait_for(lambda: point in self._desk.points, MEND_LIMIT_S):
                raise OwnFailure(f"the leader never {point} within {MEND_LIMIT_S:g} s")

    def watch(self, now: Snapshot) -> None:
        """Tell how we stand. Raises `OwnFailure` where the leader is gone, or has sent us home."""
        task = self._worker.state.tasks.get(self._task)
        if task is None or task.state != "executing":
            raise OwnFailure("nobody waits for this part any more")
        if HOME in self._desk.points:
            raise OwnFailure("the leader was interrupted")
        self._worker.log_event(self._topic, {"number": self._number, "now": asdict(now)})


def carry_part(follow: Follow, word: Word, seat: Seat, topic: str) -> Parcel:
    """Drive one part as a task of a worker; the evidence goes home whatever became of it."""
    desk = _DESKS[word.plan.run_id] = _Desk()
    trouble = ""
    with TemporaryDirectory(prefix="wdtts-") as directory:
        path = Path(directory) / "part.jsonl"
        try:
            follow(word, seat, _LeaderAfar(topic, seat.number, desk), path)
        except Exception as error:
            trouble = f"our own failure: {error!r}"
        finally:
            del _DESKS[word.plan.run_id]
        return Parcel(path.read_bytes() if path.exists() else b"", trouble)
