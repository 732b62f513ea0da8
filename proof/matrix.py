"""`make proof`: every defect in short form, and the table defect x row.

It fails where a defect is not found, or is blamed on a row that it has nothing to do with.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from pytest_wdtts.cli.conformance import SHORT_LIVED
from pytest_wdtts.conformance import carry_out, select
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import parse_target
from pytest_wdtts.verdict import row_ids

from .cases import CASES, Case
from .trial import try_all

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "proof"


class Line(Struct, frozen=True):
    """One defect's line of the matrix."""

    defect: str
    arguments: str
    scenario: str
    expected: list[str]
    tolerated: list[str]
    red: list[str]
    green: list[str]
    observed: dict[str, str]
    trouble: str = ""

    @property
    def overlooked(self) -> list[str]:
        """Rows (or cases) that had to turn red and did not."""
        return [row for row in self.expected if row not in self.red]

    @property
    def blamed(self) -> list[str]:
        """Rows that turned red and should not have."""
        return [row for row in self.red if row not in self.expected and row not in self.tolerated]

    @property
    def proven(self) -> bool:
        """Whether the defect was found, by its own rows alone."""
        return not (self.trouble or self.overlooked or self.blamed)


def carry_out_lines(cases: Iterable[Case], load: dict[str, object] | None = None) -> list[Line]:
    """Try all cases, by load (with other fields where given) or by the catalogue; say on stderr how far it is."""
    cases = list(cases)
    by_defect = {case.defect: judge_by_catalogue(case) for case in cases if case.conformance}
    for case, trial in try_all([case for case in cases if not case.conformance], load):
        line = Line(
            case.defect,
            case.arguments,
            case.scenario,
            case.expected.split(),
            case.tolerated.split(),
            [row for row in trial.verdicts if row in trial.red],
            [row for row, verdict in trial.verdicts.items() if verdict == "pass"],
            {row: trial.observed[row] for row in trial.verdicts if row in trial.red},
            trial.trouble if not trial.verdicts else "" if trial.valid else f"invalid: {trial.observed['run_valid']}",
        )
        by_defect[case.defect] = line
        sys.stderr.write(f"{'proven' if line.proven else 'NOT PROVEN':<11}{line.defect}\n")
    return [by_defect[case.defect] for case in cases]


def judge_by_catalogue(case: Case) -> Line:
    """Carry the conformance cases of one defect out, and all that must not fail with it."""
    expected = [one.id for one in select(case.conformance.split())]
    others = [one.id for one in select(exclude=[*case.conformance.split(), *case.tolerated.split()])]
    stack = EmbeddedStack(SHORT_LIVED, (case.request,))
    gateway = stack.start()
    try:
        findings = asyncio.run(carry_out(select([*expected, *others]), parse_target(gateway.url), "proof"))
    finally:
        stack.stop()
    return Line(
        case.defect,
        case.arguments,
        "conformance",
        expected,
        [],
        [finding.id for finding in findings if not finding.passed and not finding.skipped],
        [finding.id for finding in findings if finding.passed],
        {finding.id: finding.seen for finding in findings if not finding.passed},
    )


def markdown(lines: list[Line]) -> str:
    """The matrix for people: one table for each scenario, rows across."""
    proven = sum(line.proven for line in lines)
    parts = [
        "# Detection matrix",
        "",
        "Written by `make proof`: every defect of the reference gateway in a short run of its own. "
        f"**{proven} of {len(lines)} defects proven**: found, and by no row that has nothing to do with them.",
        "",
        "`R` red as expected, `r` red as a consequence that may come, `.` green or not assessable, "
        "`?` green but expected red, `!` red for no reason.",
    ]
    for scenario in ("baseline", "mixed", "heavy"):
        some = [line for line in lines if line.scenario == scenario]
        rows = _rows(scenario, some)
        parts += ["", f"## {scenario}", "", f"| defect | {' | '.join(rows)} |", "|---" * (len(rows) + 1) + "|"]
        parts += [f"| `{_request(line)}` | {' | '.join(_cell(line, row) for row in rows)} |" for line in some]
    some = [line for line in lines if line.scenario == "conformance"]
    parts += ["", "## What no load shows: the conformance catalogue", "", "| defect | cases expected | failed |"]
    parts += ["|---|---|---|"]
    parts += [
        f"| `{_request(line)}` | {len(line.expected)} | {len(line.red)}, such as `{(line.red or ['none'])[0]}` |"
        for line in some
    ]
    return "\n".join(parts) + "\n"


def _rows(scenario: str, lines: list[Line]) -> list[str]:
    seen = {row for line in lines for row in (*line.expected, *line.red)}
    return [row for row in row_ids(scenario) if row in seen]


def _cell(line: Line, row: str) -> str:
    if row in line.expected:
        return "R" if row in line.red else "?"
    if row in line.red:
        return "r" if row in line.tolerated else "!"
    return "."


def _request(line: Line) -> str:
    return f"{line.defect}:{line.arguments}" if line.arguments else line.defect


def publish(lines: list[Line]) -> None:
    """Write the matrix; a defect that was not tried now keeps the line that it had."""
    tried = {line.defect: line for line in lines}
    file = FOLDER / "matrix.json"
    before = msgspec.json.decode(file.read_bytes(), type=list[Line]) if file.exists() else []
    by_defect = {line.defect: line for line in before} | tried
    everything = [by_defect[case.defect] for case in CASES if case.defect in by_defect]
    FOLDER.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(everything), indent=1) + b"\n")
    (FOLDER / "matrix.md").write_text(markdown(everything), encoding="utf-8")


def main() -> int:
    """Write the matrix; 0 where every defect tried is proven, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("defects", nargs="*", help="only these; the others keep their lines")
    chosen = parser.parse_args().defects
    lines = carry_out_lines(case for case in CASES if not chosen or case.defect in chosen)
    publish(lines)
    for line in lines:
        if not line.proven:
            sys.stdout.write(
                f"{_request(line)}: {line.trouble or ''} overlooked {line.overlooked}, blamed {line.blamed}\n"
            )
    sys.stdout.write(f"{sum(line.proven for line in lines)} of {len(lines)} defects proven\n")
    return int(not all(line.proven for line in lines))


if __name__ == "__main__":
    sys.exit(main())
