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
PACES_ALIKE = 2.0
"""What slows a gateway down with time slows a large load no faster than a small one, but for this factor."""
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

    Where not each of them is slower by a factor, the smallest speaks for all if they get slower with time alone. A
    queue is neither: its length is another each time, and a lighter load ends it.
    """
    repeated = [tries for tries in _in_order(seen) if len(tries) >= 2]
    if not repeated or not seen.smallest:
        return 0.0
    # Where the first step was slow already there is a queue.
    queued = seen.smallest[0].ms("service_time", "p50") - way_ms(seen) >= QUEUE_MS
    small, later = repeated[0], _later(seen, repeated[0])
    alone = _with_time_alone(seen, repeated, later)
    judged = small if alone else min(repeated, key=_drift_strength)
    strength = _drift_strength(judged) if alone or not (queued or _comes_back(small, later)) else 0.0
    told = fact(
        "service_drifts" if strength >= 1 else "service_returns",
        sessions=judged[0].step.sessions,
        first_ms=_p50_ms(judged[0]),
        last_ms=_p50_ms(judged[-1]),
        times=len(judged),
    )
    (for_ if strength >= 1 else against).append(told)
    return strength


def _drift_strength(tries: Sequence[StepSeen]) -> float:
    return _rise_ms(tries) / DRIFT_MS if _p50_ms(tries[-1]) >= DRIFT_FACTOR * _p50_ms(tries[0]) else 0.0


def _later(seen: Seen, tries: Sequence[StepSeen]) -> list[float]:
    """Service time of whatever came after the last time of a load and was no heavier."""
    step = tries[0].step
    return [
        _p50_ms(one)
        for one in seen.steps[_place(seen, tries[-1]) + 1 :]
        if one.valid and not one.step.slow_share and one.figures["service_time_ms"]["count"]
        if one.step.sessions * one.step.cps <= step.sessions * step.cps
    ]


def _comes_back(tries: Sequence[StepSeen], later: Sequence[float]) -> bool:
    """Whether less than half of the rise is left in the end."""
    return min(later, default=_p50_ms(tries[-1])) < (_p50_ms(tries[0]) + _p50_ms(tries[-1])) / 2


def _with_time_alone(seen: Seen, repeated: Sequence[Sequence[StepSeen]], later: Sequence[float]) -> bool:
    """Whether everybody was served, no load got slower much faster than the smallest, and later it was slower still."""
    places = [[_place(seen, tries[end]) for end in (0, -1)] for tries in repeated]
    pace, *paces = (_rise_ms(tries) / (last - first) for tries, (first, last) in zip(repeated, places, strict=True))
    served = all(one.served for tries in repeated for one in tries)
    alike = bool(paces) and all(0 < one <= PACES_ALIKE * pace for one in paces)
    return served and alike and bool(later) and min(later) >= _p50_ms(repeated[0][-1])


def _place(seen: Seen, step: StepSeen) -> int:
    return next(place for place, one in enumerate(seen.steps) if one is step)


def _rise_ms(tries: Sequence[StepSeen]) -> float:
    return _p50_ms(tries[-1]) - _p50_ms(tries[0])


def _p50_ms(one: StepSeen) -> float:
    return one.ms("service_time", "p50")


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
