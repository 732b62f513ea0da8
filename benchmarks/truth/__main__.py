"""`make truth`: whether the run's own times are those of its packets, by a capture with tcpdump. Prints JSON.

Ends with 1 where a p99 lies 1 ms or more apart, with 2 where nothing could be compared.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pytest_wdtts.clock import NS_PER_S
from pytest_wdtts.errors import WdttsError
from pytest_wdtts.gate.open_files import need_files
from pytest_wdtts.gate.outcome import conclude, new_run_id
from pytest_wdtts.record import RunResult
from pytest_wdtts.run import SCENARIOS, Run, plan_run
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import choose_transport, parse_target

from ..machine import GATEWAY_CORE, GENERATOR_CORE, describe, place, placed
from .capture import Capture
from .compare import Agreement, compare, conversations
from .streams import read_streams
from .wall_clock import unmoved, wall_minus_monotonic_ns

LEAD_NS = 3 * NS_PER_S // 2
"""To the run's origin, which is fixed before the run is laid out."""


def measure(sessions: int, cps: float, duration_s: float, transport_name: str, directory: Path) -> Agreement:
    """Drive a run beside a capture of its packets, and compare. Raises `UsageError`, `OwnFailure`, `StackError`."""
    load = {"sessions": sessions, "cps": cps, "duration_s": duration_s, "corpus": "zh_high_punct", "loop": True}
    plan = plan_run(SCENARIOS["baseline"], new_run_id(), load, {})
    need_files(sessions)
    transport = choose_transport(transport_name)
    stack = EmbeddedStack()
    gateway = stack.start()
    port = parse_target(gateway.url).port
    packets = directory / "truth.pcap"
    try:
        place(GATEWAY_CORE, stack.pids()[0])

        async def drive() -> tuple[RunResult, int]:
            origin_ns = time.monotonic_ns() + LEAD_NS
            run = Run(plan, gateway, stack, transport, directory / "truth.jsonl", origin_ns=origin_ns)
            return await run.execute(), origin_ns

        before_ns = wall_minus_monotonic_ns()
        with (
            Capture(port, packets),
            placed(GENERATOR_CORE),
            asyncio.Runner(loop_factory=transport.new_event_loop) as runner,
        ):
            result, origin_ns = runner.run(drive())
        offset_ns = unmoved(before_ns, wall_minus_monotonic_ns())
    finally:
        stack.stop()
    outcome = conclude(result, directory)
    wire = conversations(read_streams(packets), port, origin_ns + offset_ns)
    p99_ms = {name: figures["p99"] for name, figures in outcome.report.latency.items()}
    return compare([*result.sessions, *result.probes], wire, p99_ms)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the clocks agree."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() as made:
        try:
            agreement = measure(options.sessions, options.cps, options.duration, options.transport, Path(made))
        except WdttsError as error:
            print(f"truth: {error}", file=sys.stderr)
            return 2
    load = {"sessions": options.sessions, "cps": options.cps, "duration_s": options.duration}
    figures = {"machine": describe(), "load": load, **msgspec.structs.asdict(agreement)}
    print(msgspec.json.format(msgspec.json.encode(figures), indent=1).decode())
    trouble = agreement.trouble()
    print("\n".join(trouble) or "our times are those of the packets", file=sys.stderr)
    return int(bool(trouble))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--cps", type=float, default=5.0)
    parser.add_argument("--duration", type=float, default=20.0, help="seconds that each session types")
    parser.add_argument("--transport", default="auto")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
