"""Windows as CSV, one line each: for spreadsheets and notebooks."""

import csv
from collections.abc import Iterator
from pathlib import Path

from .model import Report, WindowLine


def write_csv(report: Report, path: Path) -> Path:
    """Write the windows; a figure of a measure is the column `<measure>_<figure>`. Raises `OSError`."""
    codes = sorted(report.errors_by_code)
    rows = [dict(_cells(window, codes)) for window in report.windows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["start_s", "end_s"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def _cells(window: WindowLine, codes: list[str]) -> Iterator[tuple[str, object]]:
    for name, value in window.items():
        if name == "errors_by_code":
            yield from ((f"errors_{code}", window["errors_by_code"].get(code, 0)) for code in codes)
        elif isinstance(value, dict):
            yield from ((f"{name}_{figure}", number) for figure, number in value.items())
        else:
            yield name, value
