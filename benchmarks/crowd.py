"""Whether a gateway bears a crowd: thousands of idle sessions, and a thousand that connect at once.

`python -m benchmarks.crowd`: every session opens, stands idle, then types one word and ends, with everything that the
product checks switched on. Prints JSON; ends with 1 where a session was lost.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct
from msgspec.structs import replace

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.gate.open_files import need_files
from pytest_wdtts.gate.outcome import conclude, new_run_id
from pytest_wdtts.record import EventKind, SessionRecord
from pytest_wdtts.run import SCENARIOS, Run, RunPlan, plan_run
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import choose_transport

from .machine import GATEWAY_CORE, GENERATOR_CORE, describe, place, placed

WORD = "您好。"
COUNTED = ("run_valid", "session_errors", "sent_equals_received", "duplicate_units", "audio_integrity", "session_end")
"""The rows that count; those about time and growth judge a steady load, which a crowd is not."""
TROUBLE = {EventKind.FAILED, EventKind.ERROR, EventKind.VIOLATION, EventKind.END_VIOLATION}


class Crowd(Struct, frozen=True):
    """So many sessions, opened evenly over `open_s`, that then stand idle for `idle_s` and speak over `speak_s`."""

    sessions: int
    open_s: float
    idle_s: float
    speak_s: float = 5.0

    def plan(self) -> RunPlan:
        """Lay the crowd out with the product's planner."""
        load = {
            "sessions": self.sessions,
            "cps": 5.0,
            "duration_s": len(WORD) / 5.0,
            "ramp_s": self.open_s,
            "probe_interval_s": 0.0,
        }
        whole = plan_run(SCENARIOS["baseline"], new_run_id(), load, {})
        sessions = [
            replace(session, text=WORD, first_unit_ns=round(self.speaks_s(session.index) * NS_PER_S))
            for session in whole.sessions
        ]
        return replace(whole, sessions=sessions)

    def speaks_s(self, index: int) -> float:
        """When a session begins to type."""
        return self.open_s + self.idle_s + self.speak_s * index / self.sessions


class Borne(Struct, frozen=True):
    """What became of a crowd. Opening is from the first packet to `start_ack`."""

    sessions: int
    whole: int
    failed: dict[str, int]
    opening_p99_ms: float
    gateway_kb_per_session: float
    gateway_idle_cpu_share: float
    rows: dict[str, str]


def bear(crowd: Crowd, stack: EmbeddedStack | None = None) -> Borne:
    """Bring a gateway up and a crowd to it."""
    need_files(crowd.sessions)
    plan, transport, stack = crowd.plan(), choose_transport("auto"), stack or EmbeddedStack()
    gateway = stack.start()
    process = psutil.Process(stack.pids()[0])
    place(GATEWAY_CORE, process.pid)
    looks = [_look(process)]

    async def drive(directory: Path) -> Run:
        run = Run(plan, gateway, stack, transport, directory / "crowd.jsonl")
        for share in (0.5, 1.0):
            at_ns = round((crowd.open_s + share * crowd.idle_s) * NS_PER_S)
            run.wheel.schedule(at_ns, lambda _: looks.append(_look(process)))
        await run.execute()
        return run

    try:
        with tempfile.TemporaryDirectory() as made:
            with placed(GENERATOR_CORE), asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
                run = runner.run(drive(Path(made)))
            report = conclude(run.result, Path(made)).report
    finally:
        stack.stop()
    (before_bytes, _), (idle_bytes, idle_from_s), (_, idle_to_s) = looks
    records = run.result.sessions
    return Borne(
        sessions=len(records),
        whole=sum(record.has(EventKind.ENDED) and list(record.chunk_end)[-1:] == [len(WORD) - 1] for record in records),
        failed=_failed(records),
        opening_p99_ms=_opening_p99_ms(records),
        gateway_kb_per_session=round((idle_bytes - before_bytes) / 1024 / len(records), 1),
        gateway_idle_cpu_share=round((idle_to_s - idle_from_s) / (crowd.idle_s / 2), 4),
        rows={row.id: row.verdict.value for row in report.rows if row.id in COUNTED},
    )


def _look(process: psutil.Process) -> tuple[int, float]:
    """Memory and CPU seconds of the gateway now."""
    times = process.cpu_times()
    return process.memory_info().rss, times.user + times.system


def _failed(records: Sequence[SessionRecord]) -> dict[str, int]:
    """How often each reason was noted."""
    return dict(Counter(event.detail for record in records for event in record.events if event.kind in TROUBLE))


def _opening_p99_ms(records: Sequence[SessionRecord]) -> float:
    """The p99 over the sessions that opened; 0 where none did."""
    opened_ns = sorted(
        record.times(EventKind.ACKED)[0] - record.times(EventKind.OPENING)[0]
        for record in records
        if record.has(EventKind.ACKED)
    )
    return round(opened_ns[len(opened_ns) * 99 // 100] / NS_PER_MS, 1) if opened_ns else 0.0


CROWDS = {
    "1,000 idle": Crowd(1000, open_s=5.0, idle_s=4.0),
    "5,000 idle": Crowd(5000, open_s=20.0, idle_s=6.0, speak_s=15.0),
    "storm of 1,000 in 2 s": Crowd(1000, open_s=2.0, idle_s=2.0),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether every session lived."""
    argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__).parse_args(arguments)
    borne = {name: bear(crowd) for name, crowd in CROWDS.items()}
    small, large = borne["1,000 idle"], borne["5,000 idle"]
    grown_kb = large.gateway_kb_per_session * large.sessions - small.gateway_kb_per_session * small.sessions
    slope_kb = round(grown_kb / (large.sessions - small.sessions), 1)
    figures = {"machine": describe(), "crowds": borne, "gateway_kb_for_one_more_idle_session": slope_kb}
    print(msgspec.json.format(msgspec.json.encode(figures), indent=1).decode())
    return int(any(crowd.whole < crowd.sessions for crowd in borne.values()))


if __name__ == "__main__":
    sys.exit(main())
