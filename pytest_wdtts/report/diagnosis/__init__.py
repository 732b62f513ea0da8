"""A diagnosis for people and machines: one frozen model, and its terminal, JSON and HTML forms."""

from .lines import diagnosis_lines
from .model import DiagnosisReport, build_diagnosis
from .page import write_diagnosis
from .words import spoken

__all__ = ["DiagnosisReport", "build_diagnosis", "diagnosis_lines", "spoken", "write_diagnosis"]
