"""A run that several workers carry together: one leads, the others follow, one judges what all of them saw."""

import asyncio
import time
from pathlib import Path

from msgspec import structs

from ..clock import NS_PER_S
from ..errors import OwnFailure
from ..record import read_journal
from ..run import Run
from ..shards import GATHER_LIMIT_S, Member, Seat, merge_results, part_path, slice_plan, write_merged
from ..stack import ExternalStack, Gateway, Stack
from ..transport import choose_transport
from ..verdict import Limits
from .carry_out import Outcome, conclude, knock, new_run_id
from .open_files import need_files
from .order import Order
from .replay import to_header

COMMON_LEAD_NS = 3 * NS_PER_S // 2
"""From the leader's word to the run's origin: time for every worker to lay out its part."""
END_LIMIT_S = 60.0
"""How much longer than the plan the judge waits for the others."""


def lead(order: Order, run: str, seat: Seat, member: Member, limits: Limits | None = None) -> Outcome:
    """Bring the stack up, give the word, drive our own part, then judge all parts. Raises as `carry_out` does."""
    directory = Path(order.report_dir)
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob(f"{order.scenario}.shard-*.jsonl"):
        old.unlink()
    need_files(len(order.plan("check").sessions))  # Our child, the gateway, inherits the limit, and serves them all.
    transport = choose_transport(order.transport)
    stack = order.make_stack()
    try:
        gateway = stack.start()
        with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
            runner.run(knock(transport, gateway))
        run_id, origin_ns = new_run_id(), time.monotonic_ns() + COMMON_LEAD_NS
        word = {"gateway": structs.asdict(gateway), "run_id": run_id, "origin_ns": origin_ns, "pids": stack.pids()}
        member.ask("go", run, word)
        drive(order, seat, gateway, stack, run_id, origin_ns)
        member.ask("done", run)
        of, lost, _ = member.ask("await_end", run, END_LIMIT_S)
    except BaseException:
        member.ask("done", run)
        raise
    finally:
        stack.stop()
    return judge_parts(order, run_id, of, lost, limits)


def follow(order: Order, run: str, seat: Seat, member: Member) -> None:
    """Wait for the leader's word and drive our part; nothing to do where it never comes.

    An error of ours makes the run invalid: the judge tells, for nobody else looks at a follower.
    """
    word = member.ask("await_go", run, GATHER_LIMIT_S)
    try:
        if word is not None:
            gateway = Gateway(**word["gateway"])
            stack = ExternalStack(gateway.url, gateway.api_key)
            drive(order, seat, gateway, stack, word["run_id"], word["origin_ns"])
    except Exception as error:
        member.ask("fail", run, f"our own failure: {error!r}")
    member.ask("done", run)


def judge_left(order: Order, run: str, member: Member, limits: Limits | None = None) -> Outcome:
    """Judge what is there of a run whose leader was lost. Raises `OwnFailure` where there is nothing."""
    load = order.plan("judged").load
    of, lost, run_id = member.ask("await_end", run, load.duration_s + load.ramp_s + END_LIMIT_S)
    if not run_id:
        raise OwnFailure("shard lost: the worker that leads the run died before it began; run it again")
    return judge_parts(order, run_id, of, lost, limits)


def drive(order: Order, seat: Seat, gateway: Gateway, stack: Stack, run_id: str, origin_ns: int) -> None:
    """Drive one part of the plan; its evidence is in its journal."""
    whole = order.plan(run_id)
    plan = slice_plan(whole, seat.number, min(seat.of, len(whole.sessions)))
    if not plan.sessions:
        return
    need_files(len(plan.sessions))
    transport = choose_transport(order.transport)
    path = part_path(Path(order.report_dir), plan.scenario, seat.number)

    async def execute() -> None:
        await Run(plan, gateway, stack, transport, path, order=to_header(order), origin_ns=origin_ns).execute()

    with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
        runner.run(execute())


def judge_parts(order: Order, run_id: str, of: int, lost: dict[int, str], limits: Limits | None = None) -> Outcome:
    """Unite the parts' journals, judge and report as for one process."""
    directory = Path(order.report_dir)
    paths = [part_path(directory, order.scenario, number) for number in range(of)]
    parts = [part for path in paths if path.exists() and (part := read_journal(path)).header.run_id == run_id]
    if not parts:
        raise OwnFailure("shard lost: none of the workers left a journal; run it again")
    merged = merge_results(parts, lost, of)
    write_merged(merged, directory / f"{order.scenario}.jsonl")
    return conclude(merged, directory, limits)
