"""Why is it slow: the guide's experiments (chapter 4) against one live gateway, and what they show."""

from .carry_out import Concluded, DiagnosisOrder, carry_out_diagnosis, conclude_diagnosis, estimate_s, write_concluded

__all__ = ["Concluded", "DiagnosisOrder", "carry_out_diagnosis", "conclude_diagnosis", "estimate_s", "write_concluded"]
