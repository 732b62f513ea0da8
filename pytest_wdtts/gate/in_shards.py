"""A run that several carry together: one leads, the others follow, one judges what all of them saw."""

import asyncio
import contextlib
import glob
import time
from pathlib import Path

from ..clock import NS_PER_MS
from ..errors import OwnFailure, WdttsError
from ..record import RunResult, read_journal
from ..run import Run
from ..shards import (
    GATHER_LIMIT_S,
    Followers,
    FollowersStack,
    Leader,
    LeadersStack,
    Member,
    Place,
    Seat,
    Word,
    merge_results,
    part_path,
    slice_plan,
    sound_path,
    write_merged,
)
from ..stack import Stack
from ..transport import choose_transport
from ..verdict import Limits
from .interrupted import Interrupted, sigterm_is_ctrl_c
from .live import knock_first
from .open_files import need_files, need_sockets
from .order import Order
from .outcome import Outcome, conclude, make_directory, new_run_id
from .replay import to_header

LEAVE_LIMIT_S = 10.0
"""How long an interrupted leader waits for the parts that it has sent home."""
END_LIMIT_S = 60.0
"""How much longer than the plan the judge waits for the others."""


@sigterm_is_ctrl_c()
def lead(order: Order, followers: Followers, limits: Limits | None = None) -> Outcome:
    """Bring the stack up, give the word, drive our own part, then judge all parts. Raises as `carry_out` does."""
    directory = make_directory(order.report_dir)
    for old in directory.glob(f"{glob.escape(order.scenario)}.shard-*"):
        old.unlink()
    plan = order.plan(new_run_id())
    if not order.url:  # Our child, the gateway, inherits the limit, and serves them all.
        need_files(len(plan.sessions))
    transport = choose_transport(order.transport)
    stack = LeadersStack(order.make_stack(), followers)
    try:
        gateway = stack.start()
        knock_first(transport, gateway)
        followers.inspect(gateway, order.transport, len(plan.sessions))
        word = Word(
            plan=plan,
            gateway=gateway,
            stack=stack.name,
            transport=order.transport,
            origin_ns=time.monotonic_ns() + followers.lead_ns,
            order=to_header(order),
        )
        followers.go(word)
        drive_here(word, followers.seat, stack, followers, directory)
        lost = followers.await_end(END_LIMIT_S)
    except KeyboardInterrupt:
        followers.leave()
        with contextlib.suppress(WdttsError, OSError):  # Perhaps there is nothing yet, or nobody who would send it.
            lost = followers.await_end(LEAVE_LIMIT_S)
            raise Interrupted(judge_parts(order, plan.run_id, followers.seat, lost, {}, limits)) from None
        raise
    except BaseException:
        followers.leave()
        raise
    finally:
        stack.stop()
    return judge_parts(order, plan.run_id, followers.seat, lost, followers.described(), limits)


@sigterm_is_ctrl_c()
def follow(order: Order, place: Place) -> None:
    """Wait for the leader's word and drive our part; nothing to do where it never comes.

    An error of ours makes the run invalid: the judge tells, for nobody else looks at a follower.
    """
    try:
        word = place.await_go(GATHER_LIMIT_S)
        if word is not None:
            stack = FollowersStack(word.stack, word.gateway, place)
            drive_here(word, place.seat, stack, place, Path(order.report_dir))
    except Exception as error:
        place.fail(f"our own failure: {error!r}")
    finally:
        place.done()


def follow_word(word: Word, seat: Seat, leader: Leader, path: Path) -> None:
    """Drive a follower's part, wherever it is; its evidence is the journal at `path`."""
    drive(word, seat, FollowersStack(word.stack, word.gateway, leader), leader, path)


def judge_left(order: Order, run: str, member: Member, limits: Limits | None = None) -> Outcome:
    """Judge what is there of a run whose leader was lost. Raises `OwnFailure` where there is nothing."""
    load = order.plan("judged").load
    of, lost, run_id = member.ask("await_end", run, load.duration_s + load.ramp_s + END_LIMIT_S)
    if not run_id:
        raise OwnFailure("shard lost: the worker that leads the run died before it began; run it again")
    return judge_parts(order, run_id, Seat(0, of), lost, {}, limits)


def drive_here(word: Word, seat: Seat, stack: Stack, line: Followers | Leader, directory: Path) -> None:
    """Drive a part where the judge can read what it leaves: its journal, and the sound that it kept."""
    scenario = word.plan.scenario
    result = drive(word, seat, stack, line, part_path(directory, scenario, seat.number))
    if result is not None:
        with contextlib.suppress(OSError):  # No room for sound: what is judged is in the journal.
            result.shelf.store(sound_path(directory, scenario, seat.number))


def drive(word: Word, seat: Seat, stack: Stack, line: Followers | Leader, path: Path) -> RunResult | None:
    """Drive one part of the plan; None where there is none. Raises `OwnFailure` where the common start is over."""
    plan = slice_plan(word.plan, seat.number, seat.of)
    if not plan.sessions and not seat.leads:
        return None
    need_sockets(len(plan.sessions))
    transport = choose_transport(word.transport)
    late_ms = (time.monotonic_ns() - word.origin_ns) / NS_PER_MS
    if late_ms >= 0:
        raise OwnFailure(f"ready {late_ms:.0f} ms after the common start: give the workers more CPU, or take fewer")

    async def execute() -> RunResult:
        return await Run(plan, word.gateway, stack, transport, path, line.watch, word.order, word.origin_ns).execute()

    with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
        return runner.run(execute())


def judge_parts(
    order: Order, run_id: str, leader: Seat, lost: dict[int, str], facts: dict[str, str], limits: Limits | None = None
) -> Outcome:
    """Unite the parts' journals, the leader's first; judge and report as for one process."""
    directory = Path(order.report_dir)
    numbers = sorted(range(leader.of + 1), key=lambda number: (number != leader.number, number))
    paths = [part_path(directory, order.scenario, number) for number in numbers]
    parts = [part for path in paths if path.exists() and (part := read_journal(path)).header.run_id == run_id]
    if not any(part.sessions for part in parts):
        raise OwnFailure(f"shard lost: none of the {leader.of} workers left a journal{_reasons(lost)}; run it again")
    merged = merge_results(parts, lost, leader.of, facts)
    write_merged(merged, directory / f"{order.scenario}.jsonl")
    for number in numbers:
        with contextlib.suppress(OSError):  # A part that was lost, or had no room, left no sound.
            merged.shelf.fetch(sound_path(directory, order.scenario, number))
    return conclude(merged, directory, limits)


def _reasons(lost: dict[int, str]) -> str:
    return f" ({'; '.join(dict.fromkeys(lost.values()))})" if lost else ""
