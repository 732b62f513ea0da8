"""One run from order to report: bring the stack up, drive it, save the evidence, judge, write, take it down."""

from ..run import Show
from ..verdict import Limits
from .interrupted import Interrupted, sigterm_is_ctrl_c
from .live import LiveGateway
from .on_cluster import carry_out_on_cluster
from .open_files import need_sockets
from .order import Order
from .outcome import Outcome, conclude, make_directory, new_run_id


@sigterm_is_ctrl_c()
def carry_out(order: Order, show: Show | None = None, limits: Limits | None = None) -> Outcome:
    """Carry an order out.

    Raises `UsageError` for what cannot be asked, `StackError` where there is no gateway to drive, and
    `OwnFailure` where the evidence cannot be kept. Ctrl-C or SIGTERM ends it in order, with a partial
    report: `Interrupted`.
    """
    if order.cluster:
        return carry_out_on_cluster(order, show, limits)
    plan = order.plan(new_run_id())
    need_sockets(len(plan.sessions))  # An embedded gateway inherits the limit.
    directory = make_directory(order.report_dir)
    with LiveGateway(order, show) as live:
        try:
            live.drive(plan, order, directory / f"{plan.scenario}.jsonl")
        except KeyboardInterrupt:
            if live.latest:
                raise Interrupted(conclude(live.latest, directory, limits)) from None
            raise
    assert live.latest is not None
    return conclude(live.latest, directory, limits)
