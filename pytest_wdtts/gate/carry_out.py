"""One run from order to report: bring the stack up, drive it, save the evidence, judge, write, take it down."""

import asyncio
import os
import time
from pathlib import Path

from msgspec import Struct

from ..errors import OwnFailure, StackError
from ..record import RunResult
from ..report import Report, Written, build_report, write_all
from ..run import Progress, Run
from ..stack import Gateway
from ..transport import Connection, Transport, choose_transport, parse_target
from ..verdict import Limits, Row, judge_case
from ..verdict.case import Case
from .open_files import need_files
from .order import Order
from .replay import replay_command, to_header

HANDSHAKE_LIMIT_S = 10.0


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
    need_files(len(plan.sessions))
    transport = choose_transport(order.transport)
    stack = order.make_stack()
    directory = Path(order.report_dir)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OwnFailure(f"no reports can be written to {directory} ({error.strerror}): see --wdtts-report") from None
    runs: list[Run] = []

    async def drive(gateway: Gateway) -> None:
        await knock(transport, gateway)
        run = Run(plan, gateway, stack, transport, directory / f"{plan.scenario}.jsonl", progress, to_header(order))
        runs.append(run)
        await run.execute()

    try:
        with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
            runner.run(drive(stack.start()))
    except KeyboardInterrupt:
        if runs:
            conclude(runs[0].result, directory, limits)
        raise
    finally:
        stack.stop()
    return conclude(runs[0].result, directory, limits)


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


async def knock(transport: Transport, gateway: Gateway) -> None:
    """Shake hands once before the load comes. Raises `StackError` with what was answered instead."""
    door = _Door()
    connection: Connection = transport.connect(parse_target(gateway.url, gateway.api_key), door)
    try:
        async with asyncio.timeout(HANDSHAKE_LIMIT_S):
            trouble = await door.answer
    except TimeoutError:
        trouble = f"no answer to the WebSocket handshake within {HANDSHAKE_LIMIT_S:g} s"
    connection.reset()
    if trouble:
        raise StackError(f"{gateway.url}: {trouble}")


def new_run_id() -> str:
    """An id that no gateway has seen: sessions of an earlier run may still live there."""
    return f"{int(time.time()):x}{os.getpid():x}"


class _Door:
    """Hears how the handshake went: "" when it opened, else the trouble."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def _say(self, trouble: str) -> None:
        if not self.answer.done():
            self.answer.set_result(trouble)

    def connection_open(self) -> None:
        self._say("")

    def text_frame(self, frame: bytes) -> None:
        pass

    def binary_frame(self, size_bytes: int) -> None:
        pass

    def connection_closed(self, code: int, reason: str) -> None:
        self._say(f"closed with {code} {reason}".strip())

    def connection_failed(self, reason: str) -> None:
        self._say(reason)
