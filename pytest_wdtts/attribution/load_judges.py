"""The judges of what load does to a gateway: a queue, a standstill, one client who makes others wait (guide 4.1, 4.2).

A figure of several tries of the same load is the best of them: a busy machine only ever adds.
"""

from collections.abc import Sequence

from .causes import Cause, Fact, Finding, fact, weighed
from .seen import Seen, Step, StepSeen

NOT_MIRRORED = 0.5
"""What a rise is worth where the smallest load did not come again afterwards: the gateway may slow down with time."""
RISE_MS = 60.0
"""By so much service time and TTFA (p95) have to rise from the smallest load to the largest."""
ALWAYS_SLOW_MS = 100.0
"""So much service time (p50) at the smallest load, the way there and back left out, is slow at any load."""
REFUSED_SHARE = 0.05
FEWEST_GAPS = 2
QUICK_SHARE = 3.0
"""Between its gaps a gateway that stalls serves within a third of what a gap lasts (p50, the smallest load)."""
HURT_MS = 150.0
"""By so much the service time (p95) of others has to rise above its calm p99 while some read slowly."""
HURT_FACTOR = 3.0
HURT_STRENGTH = 4.0
HURT_ONCE = 0.5
"""What it is worth where the same slow readers did not come again: anything else may have happened just then."""
CPU_FULL, CPU_IDLE = 0.85, 0.5
MARGIN = 4.0
"""Strength of evidence that needs no scale: sessions that were refused, a gateway that died."""


def gateway_saturated(seen: Seen) -> Finding:
    """Service time and TTFA rise together, and by more than the load; or sessions are refused above a number."""
    for_: list[Fact] = []
    against: list[Fact] = []
    rise = _rise_strength(seen, for_, against)
    strength = max(_constant_strength(seen, for_), _refusal_strength(seen, for_), rise or 0.0)
    return Finding(
        cause=Cause.SATURATED,
        strength=strength,
        assessable=rise is not None or strength >= 1,
        evidence_for=tuple(for_) if strength >= 1 else (),
        evidence_against=tuple(against),
    )


def gateway_stalls(seen: Seen) -> Finding:
    """Everybody waits at the same instants, at the small load too: the event loop is blocked now and then."""
    if not seen.smallest:
        return Finding(cause=Cause.STALLS, assessable=False)
    sessions = seen.smallest[0].step.sessions
    others = (one for one in seen.steps if one.valid and one.step.experiment != "ladder")
    calm = [*seen.smallest, *(one for one in others if one.step.sessions <= sessions and not one.step.slow_share)]
    gaps = [gap for one in calm for gap in one.gaps]
    watched_s = sum(one.step.duration_s for one in calm)
    if not gaps:
        return weighed(Cause.STALLS, 0.0, fact("no_gaps", sessions=sessions, watched_s=watched_s))
    everywhere = sum(len(one.gaps) for one in seen.steps if one.valid)
    lengths = sorted(gap.length_ms for gap in gaps)
    # Where half of all chunks wait nearly as long as a gap lasts, the gap is part of a queue.
    quick = lengths[len(lengths) // 2] / QUICK_SHARE / max(best(seen.smallest, "service_time", "p50"), 1.0)
    told = fact(
        "gaps",
        count=len(gaps),
        watched_s=watched_s,
        sessions=sessions,
        longest_ms=lengths[-1],
        waiting=max(gap.sessions for gap in gaps),
        everywhere=everywhere,
    )
    return weighed(Cause.STALLS, min(everywhere / FEWEST_GAPS, quick), told)


def slow_readers_hurt_others(seen: Seen) -> Finding:
    """Sessions that read well are slower, or fail, each time that others read slowly; all else is the same."""
    waits, told = _others_wait(seen)
    fails, failed = _others_fail(seen)
    strength = max(waits, fails)
    if strength < 1 and not any(one.backpressure for one in seen.of("slow_readers")):
        return Finding(
            cause=Cause.SLOW_READERS, strength=strength, assessable=False, evidence_against=tuple(bound(seen))
        )
    return Finding(
        cause=Cause.SLOW_READERS,
        strength=strength,
        assessable=bool(told) or strength >= 1,
        evidence_for=(*(told if waits >= 1 else ()), *failed),
        evidence_against=() if waits >= 1 else told,
    )


def _others_wait(seen: Seen) -> tuple[float, tuple[Fact, ...]]:
    """How much slower the others were than under the same load without slow readers.

    What readers do to others they do each time that they come, so the best time counts. Nor is it their doing where
    all stand still for no longer than without them.
    """
    steps = seen.of("slow_readers")
    controls = [one for one in steps if not one.step.slow_share]
    slow = _by_readers(steps)
    if not controls or not slow:
        return 0.0, ()
    calm_p50_ms, calm_ms, calm_p99_ms = (
        max(one.ms("service_time", figure) for one in controls) for figure in ("p50", "p95", "p99")
    )
    gaps_ms = [gap.length_ms for one in seen.steps if one.valid and not one.step.slow_share for gap in one.gaps]
    worst = max(slow, key=lambda tries: best(tries, "service_time"))
    least = min(worst, key=lambda one: one.ms("service_time"))
    slow_ms = least.ms("service_time")
    beyond_ms = slow_ms - max(calm_p99_ms, *gaps_ms, 0.0)
    strength = _each_time(worst) * max(0.0, beyond_ms) / HURT_MS if slow_ms >= HURT_FACTOR * calm_ms else 0.0
    told = fact(
        "others_wait" if strength >= 1 else "others_stay",
        calm_ms=calm_ms,
        slow_ms=slow_ms,
        calm_p50_ms=calm_p50_ms,
        slow_p50_ms=least.ms("service_time", "p50"),
        readers=least.slow_readers,
        pause_s=least.step.slow_pause_s,
    )
    return strength, (told,)


def waited_once(seen: Seen) -> list[Fact]:
    """That others waited beside slow readers, and did not when the same readers came again."""
    found = []
    for tries in _by_readers(seen.of("slow_readers")):
        least_ms, most_ms = best(tries, "service_time"), max(one.ms("service_time") for one in tries)
        if most_ms - least_ms >= HURT_MS and most_ms >= HURT_FACTOR * least_ms:
            found.append(fact("waited_once", most_ms=most_ms, least_ms=least_ms, times=len(tries)))
    return found


def _others_fail(seen: Seen) -> tuple[float, tuple[Fact, ...]]:
    """Who failed each time beside the same slow readers, where nobody did without them.

    No matter of time, so every step is evidence.
    """
    steps = [one for one in seen.steps if one.step.experiment == "slow_readers"]
    hurt = [tries for tries in _by_readers(steps) if not any(one.served for one in tries)]
    controls = [one for one in steps if not one.step.slow_share]
    if not hurt or not controls or not all(one.served for one in controls):
        return 0.0, ()
    errors, missing = (sum(one.counts[name] for tries in hurt for one in tries) for name in ("errors", "missing_units"))
    return HURT_STRENGTH * max(map(_each_time, hurt)), (fact("others_fail", errors=errors, missing=missing),)


def _by_readers(steps: Sequence[StepSeen]) -> list[list[StepSeen]]:
    """The steps in which some read slowly, those of the same readers together."""
    found: dict[Step, list[StepSeen]] = {}
    for one in steps:
        if one.step.slow_share:
            found.setdefault(one.step, []).append(one)
    return list(found.values())


def _each_time(tries: Sequence[StepSeen]) -> float:
    return 1.0 if len(tries) > 1 else HURT_ONCE


def best(tries: Sequence[StepSeen], measure: str, figure: str = "p95") -> float:
    """The smallest of a figure over tries of one load, 0 where none has it."""
    return min((one.ms(measure, figure) for one in tries if one.figures[f"{measure}_ms"]["count"]), default=0.0)


def way_ms(seen: Seen) -> float:
    """There and back, to the idle gateway and with nothing to do there: the middle of all looks."""
    each = sorted(
        way for look in seen.looks if look.alive and (way := look.ping_ms if look.ping_ms >= 0 else look.health_ms) >= 0
    )
    return each[len(each) // 2] if each else 0.0


def _rise_strength(seen: Seen, for_: list[Fact], against: list[Fact]) -> float | None:
    """The least of three: how far service time rises, how far TTFA does, and how much steeper than the load."""
    small, (load, large) = seen.smallest, max(seen.rungs().items(), default=(0, []))
    if not small or load <= small[0].step.sessions:
        return None
    service, ttfa = ((best(small, measure), best(large, measure)) for measure in ("service_time", "ttfa"))
    own_ms = max(one.ms("send_lateness") for one in large)
    linear = load / small[0].step.sessions
    rises = [(after - before - own_ms) / RISE_MS for before, after in (service, ttfa)]
    strength = min(*rises, service[1] / max(service[0], 1.0) / linear)
    last_small, first_large = (
        pick(place for place, one in enumerate(seen.steps) if one in tries)
        for pick, tries in ((max, small), (min, large))
    )
    strength *= 1.0 if first_large < last_small else NOT_MIRRORED
    told = fact(
        "rises_together" if strength >= 1 else "does_not_rise",
        small=small[0].step.sessions,
        large=load,
        from_ms=service[0],
        to_ms=service[1],
        ttfa_from_ms=ttfa[0],
        ttfa_to_ms=ttfa[1],
        linear=linear,
    )
    (for_ if strength >= 1 else against).append(told)
    cores = max(one.gateway_cpu for one in large)
    if cores >= CPU_FULL or 0 <= cores < CPU_IDLE:
        (for_ if cores >= CPU_FULL else against).append(fact("gateway_cpu", cores=cores, sessions=load))
    return max(0.0, strength)


def _constant_strength(seen: Seen, found: list[Fact]) -> float:
    """A gateway that is slow for the smallest load already carries none under such an objective."""
    if not seen.smallest:
        return 0.0
    # A try for which we were late is no proof of slowness, but it is one of speed.
    tries = [one for one in seen.steps if one.step == seen.smallest[0].step]
    alone_ms = best(tries, "service_time", "p50") - way_ms(seen)
    if alone_ms >= ALWAYS_SLOW_MS:
        found.append(fact("always_slow", sessions=seen.smallest[0].step.sessions, service_ms=alone_ms))
    return max(0.0, alone_ms / ALWAYS_SLOW_MS)


def _refusal_strength(seen: Seen, found: list[Fact]) -> float:
    rungs = seen.rungs()
    turned_away = [one for tries in rungs.values() for one in tries if one.refused > REFUSED_SHARE * one.step.sessions]
    dead = next((look for look in seen.looks if not look.alive), None)
    if dead is not None:
        before = max((one.step.sessions for one in seen.steps), default=0)
        found.append(fact("gateway_died", sessions=before, trouble=dead.trouble))
        return MARGIN
    if not turned_away:
        return 0.0
    first = min(turned_away, key=lambda one: one.step.sessions)
    found.append(fact("refuses", sessions=first.step.sessions, refused=first.refused))
    return MARGIN


def bound(seen: Seen) -> list[Fact]:
    """Where `backpressure` begins: between the longest pause without it and the shortest with it."""
    slow = [one for one in seen.of("slow_readers") if one.step.slow_share]
    if not slow:
        return []
    pressed = [one for one in slow if one.backpressure]
    calm_s = max((one.step.slow_pause_s for one in slow if not one.backpressure), default=0.0)
    if not pressed:
        return [fact("bound_not_reached", pause_s=calm_s, bytes=max(map(_owed_bytes, slow)))]
    first = min(pressed, key=lambda one: one.step.slow_pause_s)
    return [
        fact(
            "backpressure_begins" if calm_s else "backpressure_within",
            calm_s=min(calm_s, first.step.slow_pause_s),
            pause_s=first.step.slow_pause_s,
            count=sum(one.backpressure for one in pressed),
            readers=sum(one.slow_readers for one in pressed),
            bytes=_owed_bytes(first),
        )
    ]


def _owed_bytes(one: StepSeen) -> int:
    """Bytes of frames that one session was owed in a pause, had it read at its usual rate."""
    return round(one.bytes_per_s / max(one.step.sessions, 1) * one.step.slow_pause_s)
