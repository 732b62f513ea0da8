"""Two runs side by side: a difference is called one only where the windows' spread supports it."""

import re
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from ..attribution.objective import refuse_unknown
from ..errors import UsageError
from .curves import MEASURES
from .html import page
from .model import Report, read_report
from .sentences import milliseconds
from .terminal import padded, wide

FIGURES = ("p50", "p95", "p99")
CHANCE_OF_FALSE_ALARM = 0.005
SMALLEST_SHARE = 0.05
HERE = Path()
FEWEST_WINDOWS = 6
_PLAN = ("sessions", "cps", "duration_s", "corpus_sha256", "seed", "faults", "stack")
_MACHINE = ("system", "cpus", "python", "transport", "pytest_wdtts")
_CONDITION = re.compile(r"(?P<measure>\w+)\.(?P<figure>\w+)\s*>\s*(?:(?P<factor>[\d.]+)x|\+(?P<more_ms>[\d.]+)\s*ms)")


class Finding(StrEnum):
    """What can be said of one figure."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"
    UNKNOWN = "unknown"


class Difference(Struct, frozen=True):
    """One figure before and after, in ms. `p_value` is the chance of windows that lie so, had nothing changed."""

    measure: str
    figure: str
    before_ms: float
    after_ms: float
    p_value: float
    finding: Finding

    @property
    def factor(self) -> float:
        """After as a multiple of before."""
        return self.after_ms / self.before_ms if self.before_ms else 1.0 if not self.after_ms else float("inf")


class Comparison(Struct, frozen=True):
    """Two runs compared: all figures, and what makes the two unlike in their conditions."""

    before: Report
    after: Report
    differences: list[Difference]
    warnings: list[str]


class Condition(Struct, frozen=True):
    """When a comparison fails, such as `service_time_ms.p99>1.2x` or `ttfa_ms.p50>+20ms`."""

    text: str
    measure: str
    figure: str
    factor: float = 0.0
    more_ms: float = 0.0

    def broken_by(self, comparison: Comparison) -> str:
        """Return what breaks it, or "": a rise beyond the limit that the windows' spread supports."""
        found = next(d for d in comparison.differences if (d.measure, d.figure) == (self.measure, self.figure))
        limit_ms = found.before_ms * self.factor if self.factor else found.before_ms + self.more_ms
        if found.after_ms <= limit_ms or found.finding is not Finding.SLOWER:
            return ""
        return (
            f"{self.text}: {found.before_ms:.3f} -> {found.after_ms:.3f} ms is {found.factor:.2f}x, "
            f"limit {limit_ms:.3f} ms (p={found.p_value:.2g} over windows)"
        )


def read_condition(text: str) -> Condition:
    """Read one condition. Raises `UsageError` with the form and the valid names."""
    match = _CONDITION.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{text!r} is no condition: write MEASURE.FIGURE>1.2x or MEASURE.FIGURE>+20ms")
    measure, figure, factor, more_ms = match.group("measure", "figure", "factor", "more_ms")
    refuse_unknown(text, measure, tuple(MEASURES))
    refuse_unknown(text, figure, FIGURES)
    try:
        return Condition(text.strip(), measure, figure, float(factor or 0), float(more_ms or 0))
    except ValueError:
        raise UsageError(f"{text!r}: {factor or more_ms!r} is no number") from None


def compare(before: Report, after: Report) -> Comparison:
    """Compare two runs. Raises `UsageError` where they are runs of different scenarios."""
    if before.scenario != after.scenario:
        raise UsageError(
            f"a {before.scenario!r} run cannot be compared with a {after.scenario!r} run: give two of one scenario"
        )
    differences = [_difference(before, after, measure, figure) for measure in MEASURES for figure in FIGURES]
    return Comparison(before, after, differences, _warnings(before, after))


def find_saved(name: str, scenario: str, saved: Path, folder: Path = HERE) -> Report:
    """Return the report that a name or a file stands for. Raises `UsageError` with the names that exist.

    `folder` is where a report lies among those of its session: another run of a scenario has one of its own.
    """
    path, within = Path(name), folder / f"{scenario}.json"
    if path.is_dir():
        path /= within
    if path.suffix == ".json" or path.exists():
        return read_report(path)
    kept = saved / name / within
    if kept.exists():
        return read_report(kept)
    names = sorted(found.relative_to(saved).parts[0] for found in saved.glob(f"*/{within.as_posix()}"))
    valid = f"saved are {', '.join(names)}" if names else "none is saved yet: --wdtts-save NAME"
    raise UsageError(f"no saved {scenario} run {name!r} in {saved}, and no such file; {valid}")


def save(report: Report, name: str, saved: Path, folder: Path = HERE) -> Path:
    """Keep a report under a name, in `folder` as `find_saved` looks there.

    Raises `UsageError` for a name that is a path, `OSError` where it cannot be kept.
    """
    if not name or name == ".." or Path(name).name != name:
        raise UsageError(f"--wdtts-save {name!r}: give a plain name, like main or 2026-11")
    path = saved / name / folder / f"{report.scenario}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(report))
    return path


def comparison_lines(comparison: Comparison) -> list[str]:
    """The comparison as a table for a terminal, warnings first."""
    table = [("measure", "", "before", "after", "change", "")]
    table += [
        (
            d.measure.removesuffix("_ms"),
            d.figure,
            milliseconds(d.before_ms),
            milliseconds(d.after_ms),
            f"{d.factor:.2f}x",
            _WORDS[d.finding].format(p=d.p_value),
        )
        for d in comparison.differences
    ]
    widths = [max(map(wide, column)) for column in zip(*table, strict=True)]
    rows = [
        "  " + "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    ]
    return [f"{comparison.after.scenario}: compared", *(f"  warning: {w}" for w in comparison.warnings), *rows]


def write_comparison(comparison: Comparison, path: Path) -> Path:
    """Write table and overlaid curves as one HTML page. Raises `OSError`."""
    data = {"before": _drawn(comparison.before), "after": _drawn(comparison.after)}
    path.write_text(page("compare.html.j2", data, "compare.js", comparison=comparison), encoding="utf-8")
    return path


def _drawn(report: Report) -> dict[str, object]:
    """What the page draws of one run."""
    return {
        "duration_s": report.summary.duration_s,
        "windows": report.windows,
        "percentile_curves": report.percentile_curves,
    }


_WORDS = {
    Finding.SLOWER: "SLOWER (p={p:.1g})",
    Finding.FASTER: "faster (p={p:.1g})",
    Finding.SAME: "no difference shown",
    Finding.UNKNOWN: "too few windows to say",
}


def _difference(before: Report, after: Report, measure: str, figure: str) -> Difference:
    """Rank windows against windows (Mann-Whitney): no assumption about the shape of a latency."""
    from scipy.stats import mannwhitneyu

    sides = [_steady(report, measure, figure) for report in (before, after)]
    old, new = (_whole(report, measure, figure) for report in (before, after))
    if min(map(len, sides)) < FEWEST_WINDOWS:
        return Difference(measure, figure, old, new, 1.0, Finding.UNKNOWN)
    p_value = float(mannwhitneyu(*sides, alternative="less" if new > old else "greater").pvalue)
    matters = abs(new - old) > SMALLEST_SHARE * old
    finding = Finding.SAME
    if p_value <= CHANCE_OF_FALSE_ALARM and matters:
        finding = Finding.SLOWER if new > old else Finding.FASTER
    return Difference(measure, figure, old, new, p_value, finding)


def _whole(report: Report, measure: str, figure: str) -> float:
    """The figure of the whole run; TTFA is the probes', as it is in the windows."""
    of = report.probes.ttfa_ms if measure == "ttfa_ms" else report.latency[measure]
    value: float = of[figure]  # type: ignore[literal-required]
    return value


def _steady(report: Report, measure: str, figure: str) -> list[float]:
    """The figure of each window in which every session was up, ramp and end left out."""
    start_s = max(float(str(report.config["ramp_s"])), float(str(report.config["warmup_s"])))
    end_s = float(str(report.config["duration_s"]))
    return [
        window[measure][figure]  # type: ignore[literal-required]
        for window in report.windows
        if window["start_s"] >= start_s and window["end_s"] <= end_s and window[measure]["count"]  # type: ignore[literal-required]
    ]


def _warnings(before: Report, after: Report) -> list[str]:
    pairs = [("plan", name, before.config.get(name), after.config.get(name)) for name in _PLAN]
    pairs += [("machine", name, before.environment.get(name), after.environment.get(name)) for name in _MACHINE]
    return [
        f"the {where} differs in {name}: {old or 'nothing'} before, {new or 'nothing'} after"
        for where, name, old, new in pairs
        if old != new
    ]
