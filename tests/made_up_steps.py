"""Steps of a diagnosis that nobody carried out: a healthy gateway's, each figure broken on demand."""

from typing import Any

from msgspec.structs import replace

from pytest_wdtts.attribution import Experiment, Look, Seen, Step, StepSeen
from pytest_wdtts.attribution.seen import Gap

MIB = 1024 * 1024
IDLE = Look(connect_ms=0.2, ping_ms=0.1, health_ms=0.3, transfer_ms=0.1, transfer_bytes=160_000, rss_bytes=60 * MIB)
GAP = Gap(1.0, 300.0, 5)


def percentiles(p50: float, p95: float | None = None, p99: float | None = None) -> dict[str, float]:
    p95 = p50 if p95 is None else p95
    p99 = p95 if p99 is None else p99
    return {"p50": p50, "p95": p95, "p99": p99, "p999": p99, "max": p99, "count": 100}


def step_seen(sessions: int = 10, experiment: Experiment = "ladder", cps: float = 20.0, **broken: Any) -> StepSeen:
    """One step; `service`, `ttfa` and `late` are percentiles in ms, `slow` a share and a pause in seconds."""
    slow_share, slow_pause_s = broken.pop("slow", (0.0, 0.0))
    figures = {
        "ttfa_ms": broken.pop("ttfa", percentiles(4, 8)),
        "unit_latency_ms": percentiles(200, 380, 400),
        "service_time_ms": broken.pop("service", percentiles(0.5, 3, 8)),
        "flush_wait_ms": percentiles(200, 380, 400),
        "send_lateness_ms": broken.pop("late", percentiles(1, 4, 8)),
    }
    counts = {"errors": 0, "missing_units": 0, "duplicate_units": 0, "mismatched_units": 0} | broken.pop("counts", {})
    healthy = StepSeen(
        step=Step(
            experiment=experiment,
            sessions=sessions,
            cps=cps,
            duration_s=4.0,
            corpus=broken.pop("corpus", "zh_high_punct"),
            slow_share=slow_share,
            slow_pause_s=slow_pause_s,
        ),
        journal="step.jsonl",
        before=IDLE,
        valid=True,
        validity="on time",
        figures=figures,
        counts=counts,
        errors_by_code={},
        refused=0,
        unfinished=0,
        flush_floor_ms=percentiles(200, 380, 400),
        flush_excess_units=0.0,
        gaps=(),
        chunks_per_s=30.0,
        bytes_per_s=350_000.0,
        chunk_bytes=12_000.0,
        gateway_cpu=0.05,
        slow_readers=round(slow_share * sessions),
        backpressure=round(slow_share * sessions),
    )
    return replace(healthy, **broken)


def healthy_steps() -> list[StepSeen]:
    """What a quick diagnosis of a healthy gateway sees."""
    return [
        *(step_seen(sessions) for sessions in (10, 50, 50, 10)),
        step_seen(8, "slow_readers", 100.0),
        step_seen(8, "slow_readers", 100.0, slow=(0.3, 5.5)),
        step_seen(10, "flush", 10.0, corpus="zh_low_punct"),
    ]


def seen_of(steps: list[StepSeen], after: Look = IDLE) -> Seen:
    return Seen(steps=tuple(steps), after=after)
