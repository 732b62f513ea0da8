"""One frozen, versioned model of a judged run; one writer per format."""

from .build import build_report
from .model import Report, overall, read_report
from .terminal import failure_message, styled_lines, summary_lines
from .writing import Written, write_all

__all__ = [
    "Report",
    "Written",
    "build_report",
    "failure_message",
    "overall",
    "read_report",
    "styled_lines",
    "summary_lines",
    "write_all",
]
