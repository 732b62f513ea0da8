"""Runs kept under a name, and every new run compared with one of them."""

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from ..errors import UsageError
from .compare import HERE, Condition, compare, comparison_lines, find_saved, save, write_comparison
from .model import Report


class Kept(Struct, frozen=True):
    """What is to be said of it, and what broke a condition."""

    lines: list[str]
    broken: list[str]


def keep_and_compare(
    reports: Iterable[tuple[Report, Path]],
    root: Path,
    name: str,
    against: str,
    conditions: Iterable[Condition],
    saved: Path,
) -> Kept:
    """Compare each report (with the directory that it lies in, under `root`), then save it; "" leaves a step out.

    A run that cannot be compared breaks the conditions: a gate that did not look must not stay green. Without
    conditions there is no gate, and the first run of all has nothing to be compared with.
    """
    told, conditions = Kept([], []), list(conditions)
    for report, directory in reports:
        folder = directory.relative_to(root) if directory.is_relative_to(root) else HERE
        if against:
            try:
                _refuse_partial(report)
                _compare(told, report, directory, find_saved(against, report.scenario, saved, folder), conditions)
            except UsageError as error:
                words = f"{report.scenario} was not compared: {error}"
                if conditions:
                    told.broken.append(words)
                else:
                    told.lines.append(f"  {words}")
        if name:
            try:
                _refuse_partial(report)
                told.lines.append(f"  saved as {name}: {save(report, name, saved, folder)}")
            except (OSError, UsageError) as error:
                told.lines.append(f"  {report.scenario} was not saved as {name!r}: {error}")
    return told


def _refuse_partial(report: Report) -> None:
    """A partial run is nothing to compare with, and takes no whole run's place. Raises `UsageError`."""
    if report.stopped:
        raise UsageError(f"partial run ({report.stopped})")


def _compare(told: Kept, report: Report, directory: Path, before: Report, conditions: Iterable[Condition]) -> None:
    comparison = compare(before, report)
    told.lines.extend(comparison_lines(comparison))
    told.broken.extend(words for condition in conditions if (words := condition.broken_by(comparison)))
    path = directory / f"{report.scenario}.compare.html"
    try:
        told.lines.append(f"  comparison: {write_comparison(comparison, path)}")
    except OSError as error:
        told.lines.append(f"  {path} cannot be written ({error.strerror}): see --wdtts-report")
