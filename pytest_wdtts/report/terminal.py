"""What a person reads in ten seconds, and what a failing row says."""

from ..verdict import Row, Verdict
from .model import Report

_MARKS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "FAIL",
    Verdict.NOT_ASSESSABLE: "n/a ",
    Verdict.INVALID: "INVALID",
}


def summary_lines(report: Report) -> list[str]:
    """The run in a few lines: verdict, units, latencies, and each row that did not pass."""
    s, latency = report.summary, report.latency
    units = (
        f"{s.sent_units} units sent, {s.received_units} received, {s.missing_units} missing"
        + (f" ({s.missing_units - s.unexplained_missing_units} explained)" if s.missing_units else "")
        + f", {s.duplicate_units} duplicate, {s.mismatched_units} mismatched"
    )
    lines = [
        f"{report.scenario}: {report.verdict.value.upper()} - {s.sessions} sessions, {s.errors} with errors, {units}",
        "  "
        + "; ".join(
            f"{label} p50/p99 {latency[name]['p50']:.0f}/{latency[name]['p99']:.0f} ms"
            for label, name in (
                ("UnitLatency", "unit_latency_ms"),
                ("flush wait", "flush_wait_ms"),
                ("service time", "service_time_ms"),
            )
        )
        + f"; TTFA of probes p99 {report.probes.ttfa_ms['p99']:.0f} ms",
    ]
    if report.injected_faults:
        faults = ", ".join(f"{count} x {name}" for name, count in sorted(report.injected_faults.items()))
        codes = ", ".join(f"{count} x {code}" for code, count in sorted(report.errors_by_code.items())) or "none"
        lines.append(f"  injected: {faults}; {s.resumes} resumes, {s.cancels} cancels; error codes: {codes}")
    lines += [
        f"  {_MARKS[row.verdict]} {row.id}: {row.observed}" for row in report.rows if row.verdict is not Verdict.PASS
    ]
    return lines


def failure_message(row: Row, report: Report, report_path: str) -> str:
    """What a failing row says: observed, limit, the proof, and how to see it again."""
    blame = "the run is no evidence; no gateway is blamed" if row.verdict is Verdict.INVALID else "the gateway fails"
    lines = [
        f"{row.id}: {row.verdict.value} ({blame})",
        f"  observed: {row.observed}",
        f"  limit:    {row.limit}",
    ]
    lines += [f"  {piece.at_s:9.3f} s  {piece.session or 'all sessions'}: {piece.what}" for piece in row.evidence]
    if row.seen > len(row.evidence):
        lines.append(f"  ... and {row.seen - len(row.evidence)} more")
    lines += [f"  report: {report_path}", f"  replay: {report.replay}"]
    return "\n".join(lines)
