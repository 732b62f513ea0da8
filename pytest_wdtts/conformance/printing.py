"""Findings to read: each case that did not pass, and the counts."""

from collections.abc import Sequence

from .carry_out import Finding

_PARTS = {"1": "part 1, frozen v1", "2": "part 2, what this project pins", "R": "RFC 6455"}


def summary(findings: Sequence[Finding]) -> str:
    """Every case that did not pass; then the counts, by group and by part of the contract."""
    lines = [told(finding) for finding in findings if not finding.passed]
    for sort in (lambda finding: finding.id.partition(".")[0], lambda finding: _PARTS[finding.clause[0]]):
        groups: dict[str, list[Finding]] = {}
        for finding in findings:
            groups.setdefault(sort(finding), []).append(finding)
        if lines and len(groups) > 1:
            lines += [f"{_counts(some)}: {name}" for name, some in groups.items()]
    return "\n".join([*lines, f"{_counts(findings)} of {len(findings)} cases"]) + "\n"


def told(finding: Finding) -> str:
    """One case that did not pass: what was expected, what was seen, and the clause that says so."""
    return (
        f"{'SKIPPED' if finding.skipped else 'FAILED'} {finding.number:03} {finding.id}  [{finding.clause}]\n"
        f"  expected  {finding.expected}\n"
        f"  seen      {finding.seen}"
    )


def _counts(findings: Sequence[Finding]) -> str:
    passed = sum(finding.passed for finding in findings)
    skipped = sum(bool(finding.skipped) for finding in findings)
    return f"{passed} passed, {len(findings) - passed - skipped} failed, {skipped} skipped"
