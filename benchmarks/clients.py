"""The clients that are compared, and how one of them is run beside a gateway, each on a core of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct
from msgspec.structs import asdict, replace

from pytest_wdtts.gate.open_files import need_files
from pytest_wdtts.stack import EmbeddedStack

from .load import VARIABLE, BenchLoad, ClientCost
from .machine import GATEWAY_CORE, GENERATOR_CORE, place, placed

SPARE_S = 60.0
Figures = dict[str, object]


class Client(Struct, frozen=True):
    """A program that sends a load; `environment` is what it needs beside the load."""

    name: str
    command: tuple[str, ...]
    transport: str = "auto"
    environment: Mapping[str, str] = {}


def module(name: str, module_name: str, transport: str = "auto") -> Client:
    """A client that is a module of these benchmarks."""
    return Client(name, (sys.executable, "-m", module_name), transport)


OURS = module("ours on picows", "benchmarks.ours", "picows")
OURS_PORTABLE = module("ours on websockets", "benchmarks.ours", "websockets")
BARE = module("bare websockets", "benchmarks.peers.coroutines", "websockets")


def measure(client: Client, load: BenchLoad, stack_type: Callable[[], EmbeddedStack] = EmbeddedStack) -> Figures:
    """Run a client beside a fresh gateway; return its figures and the gateway's for the same load."""
    need_files(load.sessions)
    stack = stack_type()
    gateway = stack.start()
    process = psutil.Process(stack.pids()[0])
    try:
        place(GATEWAY_CORE, process.pid)
        with tempfile.TemporaryDirectory() as made:
            load = replace(load, url=gateway.url, transport=client.transport)
            before_s, before_mb = _cpu_s(process), _peak_mb(process)
            cost = _run(client, load, Path(made))
            return _figures(cost, load, _cpu_s(process) - before_s, _peak_mb(process) - before_mb)
    finally:
        stack.stop()


def _run(client: Client, load: BenchLoad, directory: Path) -> ClientCost:
    """Raises `SystemExit` where the client fails: there are no figures without a whole run."""
    load = replace(load, plan_path=str(directory / "plan.json"), result_path=str(directory / "result.json"))
    Path(load.plan_path).write_bytes(msgspec.json.encode(load.plan_sessions(f"b{os.getpid():x}")))
    limit_s = load.duration_s + load.ramp_s + SPARE_S
    environment = os.environ | dict(client.environment) | {VARIABLE: msgspec.json.encode(load).decode()}
    words_path = directory / "words.txt"
    with words_path.open("wb") as words, placed(GENERATOR_CORE):
        process = subprocess.Popen(
            client.command, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=words
        )
        try:
            end = f"ended with exit code {process.wait(limit_s)}"
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            end = f"had not ended after {limit_s:g} s"
    if process.returncode or not Path(load.result_path).exists():
        said = words_path.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{client.name} {end}, without figures; its last words:\n{said}")
    return msgspec.json.decode(Path(load.result_path).read_bytes(), type=ClientCost)


def _figures(cost: ClientCost, load: BenchLoad, gateway_s: float, gateway_mb: float) -> Figures:
    per_1000 = 1000 / load.session_seconds
    figures = {
        "cpu_s_per_1000_session_s": cost.cpu_s * per_1000,
        "gateway_cpu_s_per_1000_session_s": gateway_s * per_1000,
        "gateway_memory_mb": gateway_mb,
        **asdict(cost),
    }
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak_mb(process: psutil.Process) -> float:
    """The most memory that the process ever had; where the system does not say, what it has now."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except OSError:
        return float(process.memory_info().rss) / 1024**2
