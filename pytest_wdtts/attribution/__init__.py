"""Evidence to causes: where the time went, and why. Pure."""

from .causes import Cause, Confidence, Fact, Finding
from .objective import DEFAULT_OBJECTIVE, Objective, read_objective
from .observe import observe
from .ranking import Diagnosis, diagnose
from .seen import Experiment, Look, Seen, Step, StepSeen
from .split import Split, floor, split_latency

__all__ = [
    "DEFAULT_OBJECTIVE",
    "Cause",
    "Confidence",
    "Diagnosis",
    "Experiment",
    "Fact",
    "Finding",
    "Look",
    "Objective",
    "Seen",
    "Split",
    "Step",
    "StepSeen",
    "diagnose",
    "floor",
    "observe",
    "read_objective",
    "split_latency",
]
