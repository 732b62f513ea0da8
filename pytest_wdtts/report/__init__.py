"""One frozen, versioned model of a judged run; one writer per format."""

from .json_file import write_json
from .model import Report, build_report, overall, replay_command
from .terminal import failure_message, summary_lines

__all__ = [
    "Report",
    "build_report",
    "failure_message",
    "overall",
    "replay_command",
    "summary_lines",
    "write_json",
]
