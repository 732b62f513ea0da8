"""The load that every client of a benchmark sends, and what each reports of it: the same plan for all.

A client is a process. It finds its `BenchLoad` in the environment variable `BENCH_LOAD`, as JSON, and with it the file
that holds the plan; at its end it writes a `ClientCost` to `result_path`. No matter what it is written in.
"""

import os
import resource
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from pytest_wdtts.load import LoadPlan, SessionPlan, load_corpus, plan_sessions

START_LEAD_S = 0.5
"""Between the end of a client's own preparation and the plan's origin."""
VARIABLE = "BENCH_LOAD"


class BenchLoad(Struct, frozen=True, kw_only=True):
    """One load, and how one client is to send it."""

    url: str
    sessions: int = 1000
    cps: float = 5.0
    duration_s: float = 10.0
    ramp_s: float = 2.0
    corpus: str = "zh_high_punct"
    transport: str = "auto"
    judged: bool = True
    plan_path: str = ""
    result_path: str = ""

    @property
    def session_seconds(self) -> float:
        """The load's size: what every cost is divided by."""
        return self.sessions * self.duration_s

    def plan(self) -> LoadPlan:
        """The same load as the product's own plan; probes would be no part of what the others send."""
        return LoadPlan(
            sessions=self.sessions,
            cps=self.cps,
            duration_s=self.duration_s,
            corpus=self.corpus,
            ramp_s=self.ramp_s,
            probe_interval_s=0.0,
            loop=True,
        ).checked()

    def plan_sessions(self, run_id: str) -> list[SessionPlan]:
        """Lay out the sessions with the product's planner."""
        return plan_sessions(self.plan(), load_corpus(self.corpus), run_id)


class ClientCost(Struct, frozen=True, kw_only=True):
    """What a client's process says of itself, for the load alone: not for its start, nor for judging."""

    cpu_s: float
    units_sent: int
    chunks_received: int
    lateness_p99_ms: float
    memory_mb: float = 0.0
    service_time_p99_ms: float = 0.0
    rows: dict[str, str] = {}
    judging_cpu_s: float = 0.0


class Meter:
    """CPU seconds and memory of this process from its making on."""

    def __init__(self) -> None:
        self._cpu_s = cpu_s()
        self._rss_bytes = psutil.Process().memory_info().rss

    def cpu_s(self) -> float:
        """CPU seconds, user and system, spent since the meter was made."""
        return cpu_s() - self._cpu_s

    def memory_mb(self) -> float:
        """How much the process's memory has grown."""
        return (psutil.Process().memory_info().rss - self._rss_bytes) / 1024**2


def cpu_s() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def read_load() -> BenchLoad:
    """Read the load from the environment."""
    return msgspec.json.decode(os.environ[VARIABLE], type=BenchLoad)


def read_plan(load: BenchLoad) -> list[SessionPlan]:
    """Read the sessions that were laid out for all."""
    return msgspec.json.decode(Path(load.plan_path).read_bytes(), type=list[SessionPlan])


def report(load: BenchLoad, cost: ClientCost) -> None:
    """Say what it cost."""
    Path(load.result_path).write_bytes(msgspec.json.encode(cost))
