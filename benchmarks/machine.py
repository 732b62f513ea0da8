"""The machine that a benchmark runs on: whose core is which, who goes first, and what is said of it."""

import contextlib
import os
import platform
from collections.abc import Iterator

GENERATOR_CORE, GATEWAY_CORE = 0, 1


def place(core: int, pid: int = 0) -> None:
    """Give a process (0: this one) a core, before all that is not part of the benchmark.

    Where there is one core only, or where the system does not let us (only root may go first), it runs as any other.
    """
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


@contextlib.contextmanager
def placed(core: int) -> Iterator[None]:
    """Give this process, and what it starts in the block, a core; afterwards it is as it was."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores, policy, priority = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
    place(core)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, priority)
        os.sched_setaffinity(0, cores)


def may_go_first() -> bool:
    """Whether what is placed goes before others."""
    with placed(GENERATOR_CORE):
        return hasattr(os, "SCHED_RR") and os.sched_getscheduler(0) == os.SCHED_RR


def describe() -> dict[str, object]:
    """What figures depend on; the load average says what else ran."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "goes_first": may_go_first(),
        "load_average": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
