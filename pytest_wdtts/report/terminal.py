"""What a person reads in ten seconds, and what a failing row says."""

from collections.abc import Iterator
from typing import NamedTuple

from wcwidth import wcswidth

from ..verdict import Row, Verdict
from .model import Report

_MARKS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "FAIL",
    Verdict.NOT_ASSESSABLE: "n/a",
    Verdict.INVALID: "INVALID",
}
_STYLES: dict[Verdict, dict[str, bool]] = {
    Verdict.PASS: {"green": True},
    Verdict.FAIL: {"red": True, "bold": True},
    Verdict.NOT_ASSESSABLE: {"yellow": True},
    Verdict.INVALID: {"yellow": True, "bold": True},
}


class Line(NamedTuple):
    """One line and how it looks where the terminal has colour: pytest's markup names."""

    text: str
    style: dict[str, bool]


def summary_lines(report: Report) -> list[str]:
    """The run in a few lines: verdict, units, latencies, and each row that did not pass."""
    return [line.text for line in styled_lines(report)]


def styled_lines(report: Report, with_evidence: bool = False) -> list[Line]:
    """The same with colour, and, where asked for, the evidence of every row that failed."""
    s = report.summary
    head = Line(
        f"{report.scenario}: {report.verdict.value.upper()} - {s.sessions} sessions, {s.errors} with errors, "
        f"{_units(report)}",
        _STYLES[report.verdict],
    )
    return [head, Line(_latency(report), {}), *_faults(report), *_rows(report, with_evidence)]


def failure_message(row: Row, report: Report, report_path: str) -> str:
    """What a failing row says: observed, limit, the proof, and how to see it again."""
    blame = "the run is no evidence; no gateway is blamed" if row.verdict is Verdict.INVALID else "the gateway fails"
    lines = [
        f"{row.id}: {row.verdict.value} ({blame})",
        f"  observed: {row.observed}",
        f"  limit:    {row.limit}",
        *evidence_lines(row),
        f"  report: {report_path}",
        f"  replay: {report.replay}",
    ]
    return "\n".join(lines)


def padded(text: str, columns: int) -> str:
    """Fill up to a width in terminal columns: a Chinese character takes two, a control character none."""
    return text + " " * max(0, columns - wide(text))


def wide(text: str) -> int:
    """Return how many columns a terminal gives this text."""
    columns = wcswidth(text)
    return columns if columns >= 0 else sum(max(wcswidth(character), 0) for character in text)


def _units(report: Report) -> str:
    s = report.summary
    count = s.missing_units - s.unexplained_missing_units
    explained = f" ({count} explained)" if count else ""
    return (
        f"{s.sent_units} units sent, {s.received_units} received, {s.missing_units} missing{explained}, "
        f"{s.duplicate_units} duplicate, {s.mismatched_units} mismatched"
    )


def _latency(report: Report) -> str:
    shown = (("UnitLatency", "unit_latency_ms"), ("flush wait", "flush_wait_ms"), ("service time", "service_time_ms"))
    figures = "; ".join(
        f"{label} p50/p99 {report.latency[name]['p50']:.0f}/{report.latency[name]['p99']:.0f} ms"
        for label, name in shown
    )
    return f"  {figures}; TTFA of probes p99 {report.probes.ttfa_ms['p99']:.0f} ms"


def _faults(report: Report) -> Iterator[Line]:
    if report.split is not None:
        yield Line(f"  {report.split.sentence}", {})
    if report.injected_faults:
        s = report.summary
        faults = ", ".join(f"{count} x {name}" for name, count in sorted(report.injected_faults.items()))
        codes = ", ".join(f"{count} x {code}" for code, count in sorted(report.errors_by_code.items())) or "none"
        yield Line(f"  injected: {faults}; {s.resumes} resumes, {s.cancels} cancels; error codes: {codes}", {})


def _rows(report: Report, with_evidence: bool) -> Iterator[Line]:
    shown = [row for row in report.rows if row.verdict is not Verdict.PASS]
    if report.rows and report.rows[0].verdict is Verdict.INVALID:
        shown = [report.rows[0]]  # The others only repeat it.
    marks = max((len(_MARKS[row.verdict]) for row in shown), default=0)
    ids = max((len(row.id) for row in shown), default=0)
    for row in shown:
        mark = padded(_MARKS[row.verdict], marks)
        yield Line(f"  {mark} {padded(row.id + ':', ids + 1)} {row.observed}", _STYLES[row.verdict])
        if with_evidence:
            yield from (Line(f"  {line}", {}) for line in evidence_lines(row))


def evidence_lines(row: Row) -> list[str]:
    """The proof of one row: time, session, what was seen."""
    sessions = max((wide(piece.session or "all sessions") for piece in row.evidence), default=0)
    lines = [
        f"  {piece.at_s:9.3f} s  {padded((piece.session or 'all sessions') + ':', sessions + 1)} {piece.what}"
        for piece in row.evidence
    ]
    if row.seen > len(row.evidence):
        lines.append(f"  ... and {row.seen - len(row.evidence)} more")
    return lines
