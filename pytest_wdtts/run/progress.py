"""How the run stands, once a second, for whoever shows it."""

from collections.abc import Callable

from msgspec import Struct

from ..clock import NS_PER_MS, NS_PER_S
from ..load import LoadPlan
from ..record import EventKind, RunResult

LATEST_CHUNKS = 20


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
            units_in += max(record.chunk_end, default=-1) + 1
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


Progress = Callable[[Snapshot], None]
