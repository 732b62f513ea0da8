"""The diagnosis as files: `diagnosis.json` for machines, `diagnosis.html` for people."""

from pathlib import Path

import msgspec

from ..html import page
from .model import DiagnosisReport
from .words import table

NAME = "diagnosis"


def write_diagnosis(report: DiagnosisReport, directory: Path) -> list[Path]:
    """Write both. Raises `OSError`."""
    json, html = directory / f"{NAME}.json", directory / f"{NAME}.html"
    json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    html.write_text(diagnosis_page(report), encoding="utf-8")
    return [json, html]


def diagnosis_page(report: DiagnosisReport) -> str:
    """The whole page."""
    return page("diagnosis.html.j2", report, "diagnosis.js", table()["page"], report=report)
