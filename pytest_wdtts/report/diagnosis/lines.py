"""A diagnosis in a terminal: what it is, why, and what to do, to be read in ten seconds."""

from collections.abc import Iterator
from functools import partial

from ..chinese import chinese
from ..sentences import Language
from ..terminal import padded, wide
from .model import DiagnosisReport, FindingLine, Told
from .words import word

PAD = 2


def diagnosis_lines(report: DiagnosisReport, language: Language = "en") -> list[str]:
    """The cause with its confidence, evidence, capacity, advice; then the other causes in a line each."""
    say = partial(_label, language=language)
    rate = report.calibrated
    calibrated = f" ({word('lines', 'wrong', language).format(wrong=rate.wrong, runs=rate.runs)})" if rate.runs else ""
    lines = [
        f"{word('lines', 'cause', language)}: {report.title[language]} [{report.cause.value}]",
        f"{say('confidence')}{word('lines', report.confidence.value, language)}{calibrated}",
        *_evidence(report, language),
        f"{say('objective')}{report.objective}",
        f"{say('')}{report.capacity_words[language]}",
    ]
    lines += [f"{say('also')}{one.words[language]}" for one in report.notes]
    if report.stopped:
        lines.append(say("stopped") + (chinese(report.stopped) if language == "zh" else report.stopped))
    lines += [f"{say('next')}{one}" for one in report.advice[language]]
    return [*lines, *_others(report, language)]


def _label(key: str, language: Language) -> str:
    """A label, and what fills it up to where the text begins."""
    keys = ("confidence", "for", "against", "objective", "also", "next", "stopped", "ruled_out", "not_shown", "symptom")
    width = max(wide(word("lines", one, language)) for one in keys)
    return "  " + padded(word("lines", key, language) if key else "", width + PAD)


def _evidence(report: DiagnosisReport, language: Language) -> Iterator[str]:
    finding = next((one for one in report.findings if one.cause is report.cause), None)
    if finding is not None:
        yield from (_label("for", language) + one.words[language] for one in finding.evidence_for)
        yield from (_label("against", language) + one.words[language] for one in finding.evidence_against)


def _others(report: DiagnosisReport, language: Language) -> Iterator[str]:
    for finding in report.findings:
        if finding.cause is report.cause:
            continue
        key = "also" if finding.named else "ruled_out"
        if finding.symptom:
            key = "symptom"
        elif not finding.assessable:
            key = "not_shown"
        yield f"{_label(key, language)}{finding.cause.value}{_because(finding, language)}"


def _because(finding: FindingLine, language: Language) -> str:
    reasons: list[Told] = finding.evidence_for or finding.evidence_against
    return f": {reasons[0].words[language]}" if reasons else ""
