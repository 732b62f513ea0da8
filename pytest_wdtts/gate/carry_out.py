"""One run from order to report: bring the stack up, drive it, save the evidence, judge, write, take it down."""

import os
import time
from pathlib import Path

from msgspec import Struct

from ..errors import OwnFailure
from ..record import RunResult
from ..report import Report, Written, build_report, write_all
from ..run import Progress
from ..verdict import Limits, Row, judge_case
from ..verdict.case import Case
from .live import LiveGateway
from .open_files import need_sockets
from .order import Order
from .replay import replay_command


class Outcome(Struct, frozen=True):
    """A judged run, where its report lies, and what became of each format."""

    report: Report
    result: RunResult
    report_path: str
    written: tuple[Written, ...] = ()

    def row(self, row_id: str) -> Row:
        """Return one row of the checklist. Raises `KeyError` with the valid ids."""
        for row in self.report.rows:
            if row.id == row_id:
                return row
        raise KeyError(f"no row {row_id!r}: one of {', '.join(row.id for row in self.report.rows)}")


def carry_out(order: Order, progress: Progress | None = None, limits: Limits | None = None) -> Outcome:
    """Carry an order out.

    Raises `UsageError` for what cannot be asked, `StackError` where there is no gateway to drive, and
    `OwnFailure` where the evidence cannot be kept. Ctrl-C ends it in order, with a partial report.
    """
    if order.cluster:
        from .on_cluster import carry_out_on_cluster

        return carry_out_on_cluster(order, progress, limits)
    plan = order.plan(new_run_id())
    need_sockets(len(plan.sessions))  # An embedded gateway inherits the limit.
    directory = make_directory(order.report_dir)
    with LiveGateway(order) as live:
        try:
            live.drive(plan, order, directory / f"{plan.scenario}.jsonl", progress)
        except KeyboardInterrupt:
            if live.latest:
                conclude(live.latest, directory, limits)
            raise
    assert live.latest is not None
    return conclude(live.latest, directory, limits)


def make_directory(report_dir: str) -> Path:
    """Make the directory for evidence and reports. Raises `OwnFailure`."""
    directory = Path(report_dir)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OwnFailure(f"no reports can be written to {directory} ({error.strerror}): see --wdtts-report") from None
    return directory


def conclude(result: RunResult, directory: Path, limits: Limits | None = None) -> Outcome:
    """Judge a run's evidence, live or from a journal, and write its report in every format.

    The verdict stands whatever could not be written; `Outcome.written` says what that is.
    """
    case = Case(result, limits)
    header = result.header
    replay = replay_command(header, directory / f"{header.scenario}.jsonl")
    report = build_report(case, judge_case(case), replay)
    written = write_all(report, result, directory)
    return Outcome(report, result, str(directory / f"{header.scenario}.json"), tuple(written))


def new_run_id() -> str:
    """An id that no gateway has seen: sessions of an earlier run may still live there."""
    return f"{int(time.time()):x}{os.getpid():x}"
