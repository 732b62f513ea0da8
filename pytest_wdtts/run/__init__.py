"""Plan meets world: drives the sessions, injects the faults, always heals, always ends."""

from .driver import Run
from .progress import Progress, Remark, Show, Snapshot
from .scenario import SCENARIOS, RunPlan, Scenario, find_scenario, plan_run

__all__ = [
    "SCENARIOS",
    "Progress",
    "Remark",
    "Run",
    "RunPlan",
    "Scenario",
    "Show",
    "Snapshot",
    "find_scenario",
    "plan_run",
]
