"""The same plan sent by each client in turn, one table: ours, the bare libraries, and the tools that users know.

What is missing is installed first, into `.peers` beside the benchmarks' own environment (npm and 600 MB for Artillery).
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ..clients import BARE, OURS, OURS_PORTABLE, Client, Figures, measure, module
from ..load import BenchLoad
from ..machine import describe

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".peers"
NODE = {"NODE_PATH": str(INSTALLED / "node_modules"), "ARTILLERY_DISABLE_TELEMETRY": "true", "WORKERS": "1"}
COLUMNS = {
    "CPU-s per 1,000 session-s": "cpu_s_per_1000_session_s",
    "gateway, for the same load": "gateway_cpu_s_per_1000_session_s",
    "send lateness p99, ms": "lateness_p99_ms",
}


def clients(load: BenchLoad) -> list[Client]:
    """Everybody, ours first."""
    locust = (str(INSTALLED / "venv/bin/locust"), "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary")
    spawned = ("-u", str(load.sessions), "-r", str(load.sessions / load.ramp_s))
    artillery = (str(INSTALLED / "node_modules/.bin/artillery"), "run", "--quiet", str(HERE / "artillery.yml"))
    return [
        OURS,
        OURS_PORTABLE,
        BARE,
        module("bare aiohttp", "benchmarks.peers.coroutines", "aiohttp"),
        Client("bare node ws", ("node", str(HERE / "ws_client.js")), environment=NODE),
        Client("Locust", (*locust, *spawned)),
        Client("Artillery", artillery, environment=NODE | {"BENCH_SESSIONS": str(load.sessions)}),
    ]


def install() -> None:
    """Install what is not there yet, in the versions pinned here. Raises `SystemExit` in the installer's own words."""
    INSTALLED.mkdir(exist_ok=True)
    if not (INSTALLED / "venv/bin/locust").exists():
        _call(sys.executable, "-m", "venv", str(INSTALLED / "venv"))
        _call(str(INSTALLED / "venv/bin/pip"), "install", "--quiet", "-r", str(HERE / "requirements.txt"))
    if not (INSTALLED / "node_modules/.bin/artillery").exists():
        (INSTALLED / "package.json").write_bytes((HERE / "package.json").read_bytes())
        # Without its scripts: one of them fetches a browser, which nobody needs here.
        _call("npm", "install", "--prefix", str(INSTALLED), "--ignore-scripts", "--no-audit", "--no-fund")


def table(measured: dict[str, Figures]) -> str:
    """The figures as a table, with each cost beside the bare `websockets` client's."""
    lines = ["| client | " + " | ".join(COLUMNS) + " | cost beside bare `websockets` |", "|---" * 5 + "|"]
    bare = float(str(measured[BARE.name]["cpu_s_per_1000_session_s"])) if BARE.name in measured else 0.0
    for name, figures in measured.items():
        cells = [f"{float(str(figures[key])):,.2f}" for key in COLUMNS.values()]
        beside = f"{float(str(figures['cpu_s_per_1000_session_s'])) / bare:.2f}" if bare else ""
        lines.append(f"| {name} | {' | '.join(cells)} | {beside} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Install, measure, print the table; 1 where a client did not carry the whole load."""
    options = _parse(arguments)
    install()
    load = BenchLoad(url="", sessions=options.sessions, cps=options.cps, duration_s=options.duration)
    measured: dict[str, Figures] = {}
    for client in clients(load):
        if options.only and not any(client.name.lower().endswith(name.lower()) for name in options.only):
            continue
        measured[client.name] = measure(client, replace(load, judged=False))
        print(f"{client.name}: {measured[client.name]}", file=sys.stderr, flush=True)
    print(table(measured), f"\n{describe()}")
    carried = {(figures["units_sent"], figures["chunks_received"]) for figures in measured.values()}
    if len(carried) > 1:
        print(f"not the same load: units sent and chunks received were {sorted(carried)}", file=sys.stderr)
    return int(len(carried) > 1)


def _call(*command: str) -> None:
    if subprocess.run(command, env=os.environ, check=False).returncode:
        raise SystemExit(f"could not install the peers: {' '.join(command)} failed, its words are above")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--cps", type=float, default=5.0)
    parser.add_argument("--duration", type=float, default=15.0, help="seconds that each session types")
    parser.add_argument("--only", nargs="+", default=[], help="the clients whose names end so")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
