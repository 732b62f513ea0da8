"""One run from order to report: bring the stack up, drive it, save the evidence, judge, write, take it down."""

from pathlib import Path

from ..record import RunResult
from ..run import Remark, Show
from ..verdict import Limits, lateness
from .interrupted import Interrupted, sigterm_is_ctrl_c
from .live import LiveGateway
from .on_cluster import carry_out_on_cluster
from .open_files import need_sockets
from .order import Order
from .outcome import Outcome, conclude, make_directory, new_run_id, set_aside


@sigterm_is_ctrl_c()
def carry_out(order: Order, show: Show | None = None, limits: Limits | None = None, again: int = 0) -> Outcome:
    """Carry an order out; where we ourselves were too late for any verdict, `again` so many times at most.

    No gateway gains by that: what is tried again blamed and cleared nobody, and its evidence is kept beside
    (`Outcome.earlier`). Each try has a stack of its own.

    Raises `UsageError` for what cannot be asked, `StackError` where there is no gateway to drive, and
    `OwnFailure` where the evidence cannot be kept. Ctrl-C or SIGTERM ends it in order, with a partial
    report: `Interrupted`.
    """
    if order.cluster:
        return carry_out_on_cluster(order, show, limits)
    directory = make_directory(order.report_dir)
    earlier: list[Outcome] = []
    while True:
        result = _drive(order, directory, show, limits)
        if len(earlier) == again or not (late := lateness(result, limits)):
            return conclude(result, directory, limits, tuple(earlier))
        earlier.append(set_aside(result, directory, len(earlier) + 1, limits))
        if show is not None:
            show(Remark(f"invalid, and once more ({len(earlier)} of {again}): {late}"))


def _drive(order: Order, directory: Path, show: Show | None, limits: Limits | None) -> RunResult:
    plan = order.plan(new_run_id())
    need_sockets(len(plan.sessions))  # An embedded gateway inherits the limit.
    with LiveGateway(order, show) as live:
        try:
            return live.drive(plan, order, directory / f"{plan.scenario}.jsonl")
        except KeyboardInterrupt:
            if live.latest:
                raise Interrupted(conclude(live.latest, directory, limits)) from None
            raise
