"""The report for machines."""

from pathlib import Path

import msgspec

from .model import Report


def write_json(report: Report, path: Path) -> Path:
    """Write the report; returns where. Raises `OSError` where it cannot be written."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return path
