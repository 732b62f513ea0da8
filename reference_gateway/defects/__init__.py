"""Switchable misbehaviour: each defect is a way in which real gateways fail, a few lines on one seam.

`seam` is the seam and the honest gateway; `chance` what strikes hang on; the others hold the defects by kind.
"""

from . import chunks, ends, errors, flushing, holding, resumes, timing
from .chance import DEFECTS, Defect, WrongArgument
from .seam import Close, Cut, Defects, Pause, Step
from .switch import UnknownDefect, switch_on

KINDS = (chunks, flushing, ends, resumes, errors, timing, holding)

__all__ = [
    "DEFECTS",
    "KINDS",
    "Close",
    "Cut",
    "Defect",
    "Defects",
    "Pause",
    "Step",
    "UnknownDefect",
    "WrongArgument",
    "switch_on",
]
