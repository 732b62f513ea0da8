"""The judges of what lies between us and the gateway: our own generator, and the way there."""

from collections.abc import Sequence

from .causes import Cause, Fact, Finding, fact, weighed
from .load_judges import best, way_ms
from .seen import Look, Seen, StepSeen

WAY_MS = 20.0
WAY_SHARE = 0.25
"""A way of `WAY_MS` that makes a quarter of the service time (p50) at the smallest load is what is slow."""
LINK_SHARE = 0.7
"""A load that asks for this share of the rate at which bytes come from the idle gateway fills the way."""
LINK_RISE = 5.0
LINK_FULL = 4.0
"""Strength of a way that is full: rate and demand were both measured."""
NEVER_VALID = 1.0
"""Strength of each try of the smallest load for which we were late."""


def our_generator(seen: Seen) -> Finding:
    """Our own sending is late at the smallest load already: nothing was learnt of the gateway."""
    ladder = [one for one in seen.steps if one.step.experiment == "ladder"]
    if not ladder:
        return Finding(cause=Cause.GENERATOR, assessable=False)
    smallest = ladder[0].step.sessions
    small = [one for one in ladder if one.step.sessions == smallest]
    late_ms = min(one.ms("send_lateness", "p99") for one in small)
    if any(one.valid for one in small):
        return weighed(Cause.GENERATOR, 0.0, fact("generator_on_time", sessions=smallest, late_ms=late_ms))
    invalid = sum(not one.valid for one in seen.steps)
    told = fact("generator_late", sessions=smallest, late_ms=late_ms, invalid=invalid, steps=len(seen.steps))
    return weighed(Cause.GENERATOR, len(small) * NEVER_VALID, told)


def network_or_proxy(seen: Seen) -> Finding:
    """The way to the idle gateway is long, or its bytes trickle, and that makes most of the service time."""
    small = seen.smallest
    service_ms = best(small, "service_time", "p50")
    looks = [look for look in seen.looks if look.alive]
    if not looks or not service_ms:
        return Finding(cause=Cause.NETWORK, assessable=False)
    ping_ms = way_ms(seen)
    health_ms, connect_ms = (_middle([getattr(look, name) for look in looks]) for name in ("health_ms", "connect_ms"))
    trickle_ms = _transfer_ms(seen, small)
    delay, trickle = (min(ms / WAY_MS, ms / service_ms / WAY_SHARE) for ms in (ping_ms, trickle_ms))
    full = _link_full(seen, looks)
    told = []
    if delay >= 1:
        told.append(
            fact("way_is_long", ping_ms=ping_ms, health_ms=health_ms, connect_ms=connect_ms, service_ms=service_ms)
        )
    if trickle >= 1:
        told.append(
            fact("bytes_trickle", transfer_ms=trickle_ms, service_ms=service_ms, kb_per_s=_rate_kb_per_s(looks))
        )
    if full is not None:
        told.append(full)
    against = () if told else (fact("way_is_short", ping_ms=ping_ms, transfer_ms=trickle_ms, service_ms=service_ms),)
    return Finding(
        cause=Cause.NETWORK,
        strength=max(delay, trickle, LINK_FULL if full else 0.0),
        evidence_for=tuple(told),
        evidence_against=against,
    )


def _transfer_ms(seen: Seen, small: Sequence[StepSeen]) -> float:
    """How long a chunk of the small load takes to arrive, by the rate at which the idle gateway's frames came."""
    each = sorted(
        look.transfer_ms / look.transfer_bytes for look in seen.looks if look.alive and look.transfer_bytes > 0
    )
    return each[len(each) // 2] * small[0].chunk_bytes if each and small else 0.0


def _link_full(seen: Seen, looks: list[Look]) -> Fact | None:
    """The largest load asks for more bytes a second than the idle gateway's frames came in with, and waits."""
    load, large = max(seen.rungs().items(), default=(0, []))
    rate = _rate_kb_per_s(looks)
    small = seen.smallest
    if not large or rate <= 0 or load <= small[0].step.sessions:
        return None
    wanted = min(one.bytes_per_s for one in small) / small[0].step.sessions * load / 1000
    waits = best(large, "service_time") >= LINK_RISE * max(best(small, "service_time"), 1.0)
    if wanted < LINK_SHARE * rate or not waits:
        return None
    return fact("link_full", sessions=load, wanted_kb_per_s=wanted, kb_per_s=rate)


def _rate_kb_per_s(looks: list[Look]) -> float:
    return _middle([look.transfer_bytes / max(look.transfer_ms, 0.001) for look in looks if look.transfer_bytes > 0])


def _middle(values: list[float]) -> float:
    known = sorted(value for value in values if value >= 0)
    return known[len(known) // 2] if known else -1.0
