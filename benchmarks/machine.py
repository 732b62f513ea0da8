"""The machine that a benchmark runs on: which core is whose, and what is said of it beside the figures."""

import os
import platform

GENERATOR_CORE, GATEWAY_CORE = 0, 1


def two_cores() -> bool:
    """Whether generator and gateway can have a core each."""
    return hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1


def describe() -> dict[str, object]:
    """What figures depend on; the load average says what else ran."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load_average": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
