"""Findings as a list to read and as JSON."""

import json
from collections import Counter
from collections.abc import Sequence

from .finding import Finding, Severity, exit_code

_WORD = {Severity.OK: "ok", Severity.WARNING: "warning", Severity.BROKEN: "BROKEN", Severity.UNKNOWN: "unknown"}
_WORST_FIRST = (Severity.BROKEN, Severity.WARNING, Severity.UNKNOWN, Severity.OK)
SCHEMA = "wdtts.doctor/1"


def as_text(finding: Finding) -> str:
    """One finding: what, then its evidence, then the next command, each on lines of its own."""
    lines = [f"{_WORD[finding.severity]:<8} {finding.check}: {finding.said}"]
    lines += [f"         | {line}" for line in finding.evidence if line]
    if finding.next:
        lines.append(f"         > {finding.next}")
    return "\n".join(lines)


def as_sum(findings: Sequence[Finding]) -> str:
    """The last line: how many of each kind, and which command to begin with."""
    counts = Counter(one.severity for one in findings)
    said = "doctor: " + ", ".join(f"{counts[kind]} {kind.value}" for kind in _WORST_FIRST if counts[kind])
    first = next((one for one in findings if one.severity is Severity.BROKEN and one.next), None)
    return f"{said}; begin with: {first.next}" if first else said


def as_json(findings: Sequence[Finding]) -> str:
    """All findings, with the exit code that they come to."""
    body = {
        "schema": SCHEMA,
        "exit_code": exit_code(findings),
        "findings": [
            {
                "check": finding.check,
                "subject": finding.subject,
                "severity": finding.severity.value,
                "said": finding.said,
                "evidence": list(finding.evidence),
                "next": finding.next,
            }
            for finding in findings
        ],
    }
    return json.dumps(body, ensure_ascii=False, indent=2)
