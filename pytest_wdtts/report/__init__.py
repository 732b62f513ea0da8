"""One frozen, versioned model of a judged run; one writer per format."""

from .allure import forget_in_allure, tell_allure, write_allure_files
from .build import build_report
from .junit import junit_properties
from .model import Report, overall, read_report
from .terminal import evidence_lines, failure_message, styled_lines, summary_lines
from .writing import Written, write_all

__all__ = [
    "Report",
    "Written",
    "build_report",
    "evidence_lines",
    "failure_message",
    "forget_in_allure",
    "junit_properties",
    "overall",
    "read_report",
    "styled_lines",
    "summary_lines",
    "tell_allure",
    "write_all",
    "write_allure_files",
]
