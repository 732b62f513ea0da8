"""Why is it slow: the guide's experiments (chapter 4) against one live gateway, and what they show."""

from .carry_out import (
    Concluded,
    DiagnosisInterrupted,
    DiagnosisOrder,
    carry_out_diagnosis,
    conclude_diagnosis,
    estimate_s,
    write_concluded,
)

__all__ = [
    "Concluded",
    "DiagnosisInterrupted",
    "DiagnosisOrder",
    "carry_out_diagnosis",
    "conclude_diagnosis",
    "estimate_s",
    "write_concluded",
]
