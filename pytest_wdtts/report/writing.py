"""All formats of one run: each writer by itself, so that one that cannot write does not silence the others."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from ..record import RunResult
from .csv_file import write_csv
from .hlog import write_hlog
from .html import write_html
from .json_file import write_json
from .markdown import append_step_summary, write_markdown
from .model import Report
from .openmetrics import write_openmetrics
from .wav import write_wavs

Writer = Callable[[Report, Path], Path | None]

WRITERS: dict[str, tuple[str, Writer]] = {
    "json": (".json", write_json),
    "html": (".html", write_html),
    "csv": (".csv", write_csv),
    "hlog": (".hlog", write_hlog),
    "openmetrics": (".prom", write_openmetrics),
    "markdown": (".md", write_markdown),
    "step summary": (".step-summary", append_step_summary),
}
"""By format: what `DIR/<scenario>` gets as its ending, and who writes it; the step summary lies elsewhere."""


class Written(Struct, frozen=True):
    """What became of one format: where it lies, or why it does not."""

    format: str
    path: str = ""
    error: str = ""


def write_all(report: Report, result: RunResult, directory: Path) -> list[Written]:
    """Write every format into a directory; what cannot be written is said, never raised.

    `result` is the evidence behind the report, for formats that need more than its numbers.
    """
    outcomes = [_attempt(name, ending, write, report, directory) for name, (ending, write) in WRITERS.items()]
    return [outcome for outcome in (*outcomes, *_wavs(report, result, directory)) if outcome.path or outcome.error]


def _wavs(report: Report, result: RunResult, directory: Path) -> list[Written]:
    written: list[Written] = []
    try:
        written += (Written("wav", str(path)) for path in write_wavs(report, result, directory))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        written.append(Written("wav", error=f"wav: {directory} cannot be written ({reason}): see --wdtts-report"))
    return written


def _attempt(name: str, ending: str, write: Writer, report: Report, directory: Path) -> Written:
    path = directory / f"{report.scenario}{ending}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        where = write(report, path)
    except OSError as error:
        _drop_torn(path)
        reason = error.strerror or type(error).__name__
        return Written(name, error=f"{name}: {error.filename or path} cannot be written ({reason}): see --wdtts-report")
    except Exception as error:
        return Written(name, error=f"{name}: the writer itself failed ({type(error).__name__}: {error})")
    return Written(name, str(where) if where else "")


def _drop_torn(path: Path) -> None:
    """Half a report misleads, and on a full disk it takes the room that the other formats need."""
    with suppress(OSError):
        path.unlink()
