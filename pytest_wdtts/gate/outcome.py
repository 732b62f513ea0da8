"""What becomes of a run's evidence: judged, reported, and found again by whoever asked for it."""

import os
import time
from pathlib import Path

from msgspec import Struct

from ..errors import OwnFailure
from ..record import RunResult
from ..report import Report, Written, build_report, write_all
from ..verdict import Limits, Row, judge_case
from ..verdict.case import Case
from .replay import replay_command


class Outcome(Struct, frozen=True):
    """A judged run, where its report lies, and what became of each format."""

    report: Report
    result: RunResult
    report_path: str
    written: tuple[Written, ...] = ()
    earlier: tuple["Outcome", ...] = ()
    """Tries before it for which we were too late."""

    def row(self, row_id: str) -> Row:
        """Return one row of the checklist. Raises `KeyError` with the valid ids."""
        for row in self.report.rows:
            if row.id == row_id:
                return row
        raise KeyError(f"no row {row_id!r}: one of {', '.join(row.id for row in self.report.rows)}")


def make_directory(report_dir: str) -> Path:
    """Make the directory for evidence and reports. Raises `OwnFailure`."""
    directory = Path(report_dir)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OwnFailure(f"no reports can be written to {directory} ({error.strerror}): see --wdtts-report") from None
    return directory


def conclude(
    result: RunResult, directory: Path, limits: Limits | None = None, earlier: tuple[Outcome, ...] = ()
) -> Outcome:
    """Judge a run's evidence, live or from a journal, and write its report in every format.

    The verdict stands whatever could not be written; `Outcome.written` says what that is.
    """
    case = Case(result, limits)
    header = result.header
    replay = replay_command(header, directory / f"{header.scenario}.jsonl")
    report = build_report(case, judge_case(case), replay)
    written = write_all(report, result, directory)
    return Outcome(report, result, str(directory / f"{header.scenario}.json"), tuple(written), earlier)


def set_aside(result: RunResult, directory: Path, number: int, limits: Limits | None = None) -> Outcome:
    """Conclude a try that is no evidence in a folder of its own, and make room for the next. Raises `OwnFailure`."""
    folder = make_directory(str(directory / f"invalid-{number}"))
    journal = f"{result.header.scenario}.jsonl"
    try:
        (directory / journal).replace(folder / journal)
    except OSError as error:
        raise OwnFailure(f"{directory / journal} cannot be moved to {folder} ({error.strerror})") from None
    return conclude(result, folder, limits)


def new_run_id() -> str:
    """An id that no gateway has seen: sessions of an earlier run may still live there."""
    return f"{int(time.time()):x}{os.getpid():x}"
