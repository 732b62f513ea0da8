"""All judges heard, and one cause named: pure, so that saved steps can be judged again."""

from collections.abc import Callable

from msgspec import Struct

from .capacity import Capacity, find_capacity
from .causes import Cause, Confidence, Fact, Finding, fact
from .holding_judges import flush_granularity, gateway_leaks_or_drifts
from .load_judges import bound, gateway_saturated, gateway_stalls, slow_readers_hurt_others, waited_once
from .objective import Objective
from .seen import Seen
from .way_judges import network_or_proxy, our_generator

JUDGES: tuple[Callable[[Seen], Finding], ...] = (
    our_generator,
    network_or_proxy,
    slow_readers_hurt_others,
    gateway_leaks_or_drifts,
    gateway_saturated,
    gateway_stalls,
    flush_granularity,
)
EXPLAINS: dict[Cause, frozenset[Cause]] = {
    Cause.GENERATOR: frozenset({Cause.NETWORK, Cause.SLOW_READERS, Cause.SATURATED, Cause.STALLS}),
    Cause.NETWORK: frozenset({Cause.SATURATED}),
    Cause.DRIFT: frozenset({Cause.SATURATED}),
    Cause.SATURATED: frozenset({Cause.SLOW_READERS}),
}
"""What a cause does to the figures of others: named beside it, they are its symptoms."""
_ORDER = list(Confidence)
SURE, FAIRLY_SURE = 3.0, 1.5
"""Strength from which confidence is high, and medium; how often each was wrong: docs/proof/diagnoses.md."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """Which cause it is and how sure, with every judge's finding: the named ones first, symptoms after them."""

    cause: Cause
    confidence: Confidence
    findings: tuple[Finding, ...]
    symptoms: tuple[Cause, ...]
    capacity: Capacity
    notes: tuple[Fact, ...]


def diagnose(seen: Seen, objective: Objective) -> Diagnosis:
    """Hear all judges and rank what they say."""
    capacity = find_capacity([one for one in seen.steps if one.step.experiment == "ladder"], objective)
    findings = sorted((judge(seen) for judge in JUDGES), key=lambda finding: -finding.strength)
    named = [finding for finding in findings if finding.named]
    symptoms = {s for finding in named for s in EXPLAINS.get(finding.cause, ()) if s is not finding.cause}
    causes = [finding for finding in named if finding.cause not in symptoms] or named
    ranked = (*causes, *(finding for finding in findings if finding not in causes))
    cause, confidence = _named(causes) if causes else _unnamed(findings, capacity)
    return Diagnosis(
        cause=cause,
        confidence=confidence,
        findings=ranked,
        symptoms=tuple(finding.cause for finding in named if finding not in causes),
        capacity=capacity,
        notes=tuple(_notes(seen, capacity)),
    )


def _named(causes: list[Finding]) -> tuple[Cause, Confidence]:
    """The strongest; a second one of its own beside it makes both less sure."""
    strength = causes[0].strength / (2.0 if len(causes) > 1 else 1.0)
    return causes[0].cause, _level(strength)


def _unnamed(findings: list[Finding], capacity: Capacity) -> tuple[Cause, Confidence]:
    """Nothing is wrong where the objective held; where it broke and no judge knows why, nobody can tell.

    What the experiments could not show leaves less than full confidence.
    """
    if capacity.known or not capacity.held:
        return Cause.UNKNOWN, Confidence.LOW
    confidence = _level(1.0 / max(findings[0].strength, 0.01))
    shown = all(finding.assessable for finding in findings)
    return Cause.NONE, confidence if shown else min(confidence, Confidence.MEDIUM, key=_ORDER.index)


def _level(strength: float) -> Confidence:
    if strength >= SURE:
        return Confidence.HIGH
    return Confidence.MEDIUM if strength >= FAIRLY_SURE else Confidence.LOW


def _notes(seen: Seen, capacity: Capacity) -> list[Fact]:
    notes = [told for told in bound(seen) if told.key != "bound_not_reached"]
    notes += waited_once(seen)
    if capacity.generator_gave_out:
        notes.append(fact("generator_gave_out", sessions=capacity.generator_gave_out))
    realistic = [one for one in seen.steps if one.valid and one.split is not None and not one.step.slow_share]
    if realistic:
        one = min(realistic, key=lambda one: one.step.cps)
        assert one.split is not None
        notes.append(
            fact(
                "tail",
                share=one.split.flush_wait,
                unit_ms=one.split.unit_latency_p99_ms,
                cps=one.step.cps,
                service_ms=one.split.service_time_p99_ms,
                floor_ms=one.flush_floor_ms["p99"],
                corpus=one.step.corpus,
            )
        )
    return notes
