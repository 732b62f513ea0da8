"""What to send when: texts, load plans and the timer wheel. Pure but for reading a text."""

from .corpus import Corpus, load_corpus, shipped_names
from .plan import LoadPlan, SessionPlan, names_probe, plan_probes, plan_sessions
from .wheel import TimerWheel

__all__ = [
    "Corpus",
    "LoadPlan",
    "SessionPlan",
    "TimerWheel",
    "load_corpus",
    "names_probe",
    "plan_probes",
    "plan_sessions",
    "shipped_names",
]
