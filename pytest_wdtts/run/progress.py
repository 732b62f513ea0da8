"""How things stand, for whoever shows it: remarks on the way to the load, then a look each second."""

from collections.abc import Callable

from msgspec import Struct

from ..clock import NS_PER_MS, NS_PER_S
from ..load import LoadPlan
from ..record import EventKind, RunResult

LATEST_CHUNKS = 5


class Snapshot(Struct, frozen=True):
    """One look at a running run; `service_p99_ms` is over each session's latest chunks."""

    sessions_up: int
    units_out: int
    units_in: int
    errors: int
    service_p99_ms: float
    left_s: float

    @classmethod
    def of(cls, result: RunResult, sessions_up: int, now_ns: int, load: LoadPlan) -> "Snapshot":
        """Count up what has been recorded so far."""
        service_ns: list[int] = []
        units_in = 0
        for record in result.sessions:
            sent_ns = record.sent_ns
            units_in += record.chunk_end[-1] + 1 if record.chunk_end else 0
            for end, received_ns in zip(
                record.chunk_end[-LATEST_CHUNKS:], record.received_ns[-LATEST_CHUNKS:], strict=True
            ):
                if 0 <= end < len(sent_ns):
                    service_ns.append(received_ns - sent_ns[end])
        service_ns.sort()
        p99_ns = service_ns[min(len(service_ns) - 1, len(service_ns) * 99 // 100)] if service_ns else 0
        return cls(
            sessions_up=sessions_up,
            units_out=sum(len(record.sent_ns) for record in result.sessions),
            units_in=units_in,
            errors=sum(record.has(EventKind.ERROR) or record.has(EventKind.FAILED) for record in result.sessions),
            service_p99_ms=p99_ns / NS_PER_MS,
            left_s=max(0.0, load.duration_s + load.ramp_s - now_ns / NS_PER_S),
        )

    @classmethod
    def whole(cls, parts: "list[Snapshot]") -> "Snapshot":
        """Add the parts of one run up; of percentiles and of what is left, the highest."""
        return cls(
            sessions_up=sum(part.sessions_up for part in parts),
            units_out=sum(part.units_out for part in parts),
            units_in=sum(part.units_in for part in parts),
            errors=sum(part.errors for part in parts),
            service_p99_ms=max(part.service_p99_ms for part in parts),
            left_s=max(part.left_s for part in parts),
        )

    def line(self) -> str:
        """Say it in one line of a terminal."""
        return (
            f"{self.sessions_up} up, {self.units_out} units out, {self.units_in} in, {self.errors} errors, "
            f"service p99 {self.service_p99_ms:.0f} ms, {self.left_s:.0f} s left"
        )


class Remark(Struct, frozen=True):
    """What goes on while there is no load yet."""

    words: str

    def line(self) -> str:
        """Say it in one line of a terminal."""
        return self.words


Progress = Callable[[Snapshot], None]
Show = Callable[[Snapshot | Remark], None]
