"""`make bench`: CPU-seconds per 1,000 session-seconds, ours beside a bare client, same run, same gateway.

CPU time of the processes, not wall time: a busy machine makes the run late, not dear. Prints JSON.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil
from msgspec.structs import asdict

from pytest_wdtts.stack import EmbeddedStack

from .growth import grow, plot
from .lean_gateway import LeanStack
from .load import BenchLoad, ClientCost
from .machine import GATEWAY_CORE, GENERATOR_CORE, describe, two_cores

CLIENTS = {
    "ours on picows": ("benchmarks.ours", "picows"),
    "ours on websockets": ("benchmarks.ours", "websockets"),
    "bare websockets": ("benchmarks.bare", ""),
}
SPARE_S = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 where growth is worse than linear."""
    options = _parse(arguments)
    pinned = not options.no_pin and two_cores()
    stack = LeanStack() if options.lean else EmbeddedStack()
    gateway = stack.start()
    try:
        process = psutil.Process(stack.pids()[0])
        if pinned:
            process.cpu_affinity([GATEWAY_CORE])
        load = BenchLoad(
            url=gateway.url,
            sessions=options.sessions,
            cps=options.cps,
            duration_s=options.duration,
            core=GENERATOR_CORE if pinned else -1,
        )
        if options.growth:
            return study_growth(load, process, options.output)
        measured = {
            name: measure(module, load, transport, process)
            for name, (module, transport) in CLIENTS.items()
            if name.startswith(options.only)
        }
    finally:
        stack.stop()
    figures = {
        "machine": describe(),
        "load": {"sessions": load.sessions, "cps": load.cps, "duration_s": load.duration_s, "pinned": pinned},
        "clients": measured,
        "ratios": ratios(measured),
    }
    show(figures)
    return 0


def study_growth(load: BenchLoad, gateway: psutil.Process, output: Path) -> int:
    """Carry the growth study out, write JSON and plot beside each other; 1 where growth is worse than linear."""
    grown = grow(load, lambda one: measure("benchmarks.ours", one, "auto", gateway))
    show(grown)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(msgspec.json.format(msgspec.json.encode(grown), indent=1))
    plot(grown, output.with_suffix(".svg"))
    return 0 if grown["linear"] else 1


def show(figures: dict[str, Any]) -> None:
    """Print as JSON."""
    print(msgspec.json.format(msgspec.json.encode(figures), indent=1).decode())


def measure(module: str, load: BenchLoad, transport: str, gateway: psutil.Process) -> dict[str, object]:
    """Run one client in a process of its own; return its figures and the gateway's for the same load."""
    load = msgspec.structs.replace(load, transport=transport)
    before_s = _cpu_s(gateway)
    done = subprocess.run(
        [sys.executable, "-m", module, msgspec.json.encode(load).decode()],
        stdout=subprocess.PIPE,
        timeout=load.duration_s + load.ramp_s + SPARE_S,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{module} ended with exit code {done.returncode}: no figures without a whole run")
    gateway_s = _cpu_s(gateway) - before_s
    cost = msgspec.json.decode(done.stdout.splitlines()[-1], type=ClientCost)
    per_1000 = 1000 / load.session_seconds
    figures = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(cost).items()}
    return {
        "cpu_s_per_1000_session_s": round(cost.cpu_s * per_1000, 4),
        "gateway_cpu_s_per_1000_session_s": round(gateway_s * per_1000, 4),
        **figures,
    }


def ratios(measured: dict[str, dict[str, object]]) -> dict[str, float]:
    """What each client costs, beside the bare one."""

    def cost(name: str) -> float:
        return float(str(measured[name]["cpu_s_per_1000_session_s"]))

    bare = "bare websockets"
    if bare not in measured:
        return {}
    return {f"{name} / {bare}": round(cost(name) / cost(bare), 3) for name in measured if name != bare}


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--cps", type=float, default=5.0)
    parser.add_argument("--duration", type=float, default=10.0, help="seconds that each session types")
    parser.add_argument("--growth", action="store_true", help="cost against sessions, cps and duration (15 min)")
    parser.add_argument("--lean", action="store_true", help="against the lean gateway, which carries 4,000 sessions")
    parser.add_argument("--only", default="", help="one client alone, by the beginning of its name")
    parser.add_argument("--output", type=Path, default=Path("wdtts-report/growth.json"), help="where growth goes")
    parser.add_argument("--no-pin", action="store_true", help="leave the choice of cores to the system")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
