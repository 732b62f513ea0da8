"""What the guide's chapter 5 tells an operator to check by hand, checked at once: `wdtts doctor`."""

from .examine import LOOKS, examine
from .failed_start import findings_of
from .finding import Finding, Severity, exit_code, redact
from .garble import Garble, garble
from .printing import as_json, as_sum, as_text
from .scene import Scene

__all__ = [
    "LOOKS",
    "Finding",
    "Garble",
    "Scene",
    "Severity",
    "as_json",
    "as_sum",
    "as_text",
    "examine",
    "exit_code",
    "findings_of",
    "garble",
    "redact",
]
