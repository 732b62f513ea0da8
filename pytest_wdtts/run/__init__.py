"""Plan meets world: drives the sessions, injects the faults, always heals, always ends."""

from .driver import Run
from .progress import Progress, Snapshot
from .scenario import SCENARIOS, RunPlan, Scenario, find_scenario, plan_run

__all__ = ["SCENARIOS", "Progress", "Run", "RunPlan", "Scenario", "Snapshot", "find_scenario", "plan_run"]
