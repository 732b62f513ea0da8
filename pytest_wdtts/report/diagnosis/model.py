"""`DIR/diagnosis.json`, schema `wdtts.diagnosis/1`: all that was seen and concluded, sentences in both languages."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from ...attribution import Cause, Confidence, Diagnosis, Fact, Finding, Look, Objective, Seen, StepSeen
from ...attribution.calibrated import ErrorRate, error_rate
from ...attribution.capacity import Capacity
from ..sentences import LANGUAGES, Language
from . import words

SCHEMA = "wdtts.diagnosis/1"
Both = dict[Language, str]
T = TypeVar("T")


class Told(Struct, frozen=True):
    """A fact: its key, its figures, and its sentence by language."""

    key: str
    values: dict[str, float | int | str]
    words: Both


class FindingLine(Struct, frozen=True, kw_only=True):
    """One cause: what speaks for and against it. `symptom` says that a cause above explains it."""

    cause: Cause
    title: Both
    named: bool
    symptom: bool
    assessable: bool
    strength: float
    evidence_for: list[Told]
    evidence_against: list[Told]


class StepLine(Struct, frozen=True, kw_only=True):
    """One step, and whether the objective held."""

    seen: StepSeen
    held: bool


class DiagnosisReport(Struct, frozen=True, kw_only=True):
    """See the module. `calibrated` is how often this confidence was wrong in the published calibration."""

    schema: str = SCHEMA
    cause: Cause
    confidence: Confidence
    calibrated: ErrorRate
    title: Both
    advice: dict[Language, list[str]]
    objective: str
    capacity: Capacity
    capacity_words: Both
    findings: list[FindingLine]
    notes: list[Told]
    steps: list[StepLine]
    after: Look
    stopped: str
    took_s: float
    url: str
    stack: str
    seed: int
    gateway: dict[str, object]
    environment: dict[str, str]


def build_diagnosis(
    diagnosis: Diagnosis,
    seen: Seen,
    objective: Objective,
    **asked: object,
) -> DiagnosisReport:
    """Make the report; `asked` are its fields from `stopped` on, which stand in the evidence as they are."""
    case = words.case_of(diagnosis.cause, diagnosis.findings)
    return DiagnosisReport(
        cause=diagnosis.cause,
        confidence=diagnosis.confidence,
        calibrated=error_rate(diagnosis.confidence),
        title=_both(words.title, case),
        advice={language: words.advice(case, language) for language in LANGUAGES},
        objective=objective.text,
        capacity=diagnosis.capacity,
        capacity_words=_both(words.capacity_sentence, diagnosis.capacity),
        findings=[_line(finding, diagnosis) for finding in diagnosis.findings],
        notes=[told(fact) for fact in diagnosis.notes],
        steps=[StepLine(seen=one, held=objective.holds(one)) for one in seen.steps],
        after=seen.after,
        **asked,  # type: ignore[arg-type]
    )


def told(fact: Fact) -> Told:
    """A fact with its sentences."""
    return Told(fact.key, fact.values, _both(words.sentence, fact))


def _line(finding: Finding, diagnosis: Diagnosis) -> FindingLine:
    return FindingLine(
        cause=finding.cause,
        title=_both(words.title, words.case_of(finding.cause, [finding])),
        named=finding.named,
        symptom=finding.cause in diagnosis.symptoms,
        assessable=finding.assessable,
        strength=round(finding.strength, 3),
        evidence_for=[told(one) for one in finding.evidence_for],
        evidence_against=[told(one) for one in finding.evidence_against],
    )


def _both(say: Callable[[T, Language], str], what: T) -> Both:
    return {language: say(what, language) for language in LANGUAGES}
