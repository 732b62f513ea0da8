"""The judges of what a gateway holds: memory and time that it does not give back, text that it does not flush (4.3)."""

from collections.abc import Sequence

from .causes import Cause, Fact, Finding, fact, weighed
from .load_judges import way_ms
from .seen import Seen, StepSeen

MIB = 1024 * 1024
LEAK_MIB = 8.0
"""Memory that each load has to leave behind when it comes for the last time."""
DRIFT_MS = 20.0
DRIFT_FACTOR = 1.5
QUEUE_MS = 200.0
EXCESS_UNITS = 4.0


def gateway_leaks_or_drifts(seen: Seen) -> Finding:
    """Memory or service time of the same load rises from one time to the next, and does not come back."""
    for_: list[Fact] = []
    against: list[Fact] = []
    memory, drift = _memory(seen, for_, against), _drift(seen, for_, against)
    strength = max(memory, drift)
    assessable = bool(for_ or against)
    return Finding(
        cause=Cause.DRIFT,
        strength=strength,
        assessable=assessable,
        evidence_for=tuple(for_),
        evidence_against=tuple(against),
    )


def flush_granularity(seen: Seen) -> Finding:
    """Units wait longer for their flush than under v1's rule, while service time stays as it is."""
    # In units, by index: our own lateness has no part in it, so every step is evidence.
    steps = [one for one in seen.steps if not one.step.slow_share and one.figures["flush_wait_ms"]["count"]]
    if not steps:
        return Finding(cause=Cause.FLUSH, assessable=False)
    excess = max(one.flush_excess_units for one in steps)
    worst = max(steps, key=lambda one: (one.flush_excess_units, one.ms("flush_wait", "p99")))
    strength = max(0.0, excess / EXCESS_UNITS)
    told = fact(
        "flush_above_floor" if strength >= 1 else "flush_at_floor",
        units=excess,
        corpus=worst.step.corpus,
        cps=worst.step.cps,
        wait_ms=worst.ms("flush_wait", "p99"),
        floor_ms=worst.flush_floor_ms["p99"],
        service_ms=worst.ms("service_time", "p99"),
    )
    return weighed(Cause.FLUSH, strength, told, *_moved(seen))


def _memory(seen: Seen, for_: list[Fact], against: list[Fact]) -> float:
    """What the last time of each repeated load left behind: the first times fill pools and caches once."""
    looks = seen.looks
    left: dict[int, float] = {}
    times: dict[int, int] = {}
    for place, one in enumerate(seen.steps):
        before, after = looks[place].rss_bytes, looks[place + 1].rss_bytes
        if one.step.experiment == "ladder" and min(before, after) >= 0:
            left[one.step.sessions] = (after - before) / MIB
            times[one.step.sessions] = times.get(one.step.sessions, 0) + 1
    repeated = [left[sessions] for sessions, count in times.items() if count >= 2]
    if not repeated:
        return 0.0
    strength = min(repeated) / LEAK_MIB
    told = fact(
        "memory_grows" if strength >= 1 else "memory_stays",
        first_mib=looks[0].rss_bytes / MIB,
        last_mib=looks[-1].rss_bytes / MIB,
        step_mib=min(repeated),
        loads=len(repeated),
    )
    (for_ if strength >= 1 else against).append(told)
    return max(0.0, strength)


def _drift(seen: Seen, for_: list[Fact], against: list[Fact]) -> float:
    """Service time of each repeated load, its last time against its first: the least of them counts.

    Where the first step was slow already there is a queue, whose length is another each time.
    """
    repeated = [tries for tries in _in_order(seen) if len(tries) >= 2]
    if not repeated or not seen.smallest or seen.smallest[0].ms("service_time", "p50") - way_ms(seen) >= QUEUE_MS:
        return 0.0
    least = min(repeated, key=_drift_strength)
    strength = _drift_strength(least)
    told = fact(
        "service_drifts" if strength >= 1 else "service_returns",
        sessions=least[0].step.sessions,
        first_ms=least[0].ms("service_time", "p50"),
        last_ms=least[-1].ms("service_time", "p50"),
        times=len(least),
    )
    (for_ if strength >= 1 else against).append(told)
    return strength


def _drift_strength(tries: Sequence[StepSeen]) -> float:
    first_ms, last_ms = (tries[place].ms("service_time", "p50") for place in (0, -1))
    return (last_ms - first_ms) / DRIFT_MS if last_ms >= DRIFT_FACTOR * first_ms else 0.0


def _in_order(seen: Seen) -> list[list[StepSeen]]:
    """The valid steps of the ladder by load, each in the order in which they ran."""
    found: dict[int, list[StepSeen]] = {}
    for one in seen.of("ladder"):
        found.setdefault(one.step.sessions, []).append(one)
    return [tries for _, tries in sorted(found.items())]


def _moved(seen: Seen) -> list[Fact]:
    """The flush experiment: the same gateway, texts and typing rates that differ."""
    steps = [one for one in seen.of("flush") if one.figures["unit_latency_ms"]["count"]]
    if len(steps) < 2:
        return []
    low, high = (pick(steps, key=lambda one: one.ms("unit_latency", "p99")) for pick in (min, max))
    return [
        fact(
            "flush_experiment",
            low_corpus=low.step.corpus,
            low_cps=low.step.cps,
            high_corpus=high.step.corpus,
            high_cps=high.step.cps,
            low_ms=low.ms("unit_latency", "p99"),
            high_ms=high.ms("unit_latency", "p99"),
            low_service_ms=low.ms("service_time", "p99"),
            high_service_ms=high.ms("service_time", "p99"),
        )
    ]
