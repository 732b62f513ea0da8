"""`make bench`: CPU-seconds per 1,000 session-seconds, ours beside a bare client, same run, gateways alike.

CPU time of the processes, not wall time: a busy machine makes the run late, not dear. Prints JSON.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from pytest_wdtts.stack import EmbeddedStack

from .clients import BARE, OURS, OURS_PORTABLE, Figures, measure
from .growth import STUDIES, grow, plot
from .lean_gateway import LeanStack
from .load import BenchLoad
from .machine import describe

CLIENTS = (OURS, OURS_PORTABLE, BARE)
LEAN_FROM_SESSIONS = 2000
"""The reference gateway fills its core at about 2,500 sessions of 5 units a second: more take the lean one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 where growth is worse than linear."""
    options = _parse(arguments)
    load = BenchLoad(url="", sessions=options.sessions, cps=options.cps, duration_s=options.duration)
    if options.growth:
        return study_growth(load, options)
    clients = [client for client in CLIENTS if client.name.startswith(options.only)]
    stack_type = LeanStack if load.sessions >= LEAN_FROM_SESSIONS else EmbeddedStack
    measured = {client.name: measure(client, load, stack_type) for client in clients}
    asked = {"sessions": load.sessions, "cps": load.cps, "duration_s": load.duration_s}
    gateway = {"gateway": stack_type.program}
    show({"machine": describe(), "load": asked | gateway, "clients": measured, "ratios": ratios(measured)})
    return 0


def study_growth(load: BenchLoad, options: argparse.Namespace) -> int:
    """Carry the growth study out, write JSON and plot beside each other; 1 where growth is worse than linear.

    All of it against the lean gateway: a gateway that is the bottleneck would make the generator look cheap. Studies
    that the file has from earlier, and that are not asked for now, stay in it.
    """
    studies = [study for study in STUDIES if study.name in options.studies]
    grown = grow(load, lambda one: measure(OURS, one, LeanStack), studies, options.repeats)
    output: Path = options.output
    earlier = msgspec.json.decode(output.read_bytes())["studies"] if output.exists() else {}
    whole = {"machine": describe(), "studies": earlier | grown["studies"]}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1))
    plot(whole, output.with_suffix(".svg"))
    show(grown)
    return 0 if grown["linear"] else 1


def show(figures: dict[str, Any]) -> None:
    """Print as JSON."""
    print(msgspec.json.format(msgspec.json.encode(figures), indent=1).decode())


def ratios(measured: dict[str, Figures]) -> dict[str, float]:
    """What each client costs, beside the bare one; empty where that did not run."""
    cost = {name: float(str(figures["cpu_s_per_1000_session_s"])) for name, figures in measured.items()}
    bare = cost.pop(BARE.name, 0.0)
    return {f"{name} / {BARE.name}": round(value / bare, 3) for name, value in cost.items() if bare}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [study.name for study in STUDIES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--cps", type=float, default=5.0)
    parser.add_argument("--duration", type=float, default=15.0, help="seconds that each session types")
    parser.add_argument("--only", default="", help="the clients whose name begins so")
    parser.add_argument("--growth", action="store_true", help="cost against sessions, cps and duration (12 min)")
    parser.add_argument("--studies", nargs="+", choices=names, default=names, help="of the growth: these alone")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each point of the growth; the median counts")
    parser.add_argument("--output", type=Path, default=Path("wdtts-report/growth.json"), help="where growth goes")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
