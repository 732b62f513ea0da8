"""How the generator's cost grows with sessions, with units a second, and with time: never worse than linear."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .clients import Figures
from .load import BenchLoad

WORST_EXCESS = 1.15
"""How much dearer a session-second (or unit) may be in a larger load than it was in any smaller one."""

Measure = Callable[[BenchLoad], Figures]


class Study(Struct, frozen=True):
    """One quantity that grows while the others stand still; what its cost is divided by."""

    name: str
    values: tuple[float, ...]
    base: dict[str, float]
    per_unit: bool = False

    def loads(self, load: BenchLoad) -> list[BenchLoad]:
        """The loads of the study; nothing is judged, which is no part of the cost."""
        base = replace(load, judged=False, **self.base)
        return [replace(base, **{self.name: type(getattr(load, self.name))(value)}) for value in self.values]

    def cost(self, load: BenchLoad, figures: Figures) -> float:
        """CPU-seconds for a thousand session-seconds, or units."""
        size = load.session_seconds * (load.cps if self.per_unit else 1.0)
        return float(str(figures["cpu_s"])) * 1000 / size


STUDIES = (
    Study("sessions", (125, 250, 500, 1000, 2000, 4000), {"duration_s": 10.0}),
    Study("cps", (1, 5, 10, 20, 50), {"sessions": 100, "duration_s": 10.0}, per_unit=True),
    Study("duration_s", (10, 20, 40), {"sessions": 250}),
)


def excess(costs: Sequence[float]) -> float:
    """How many times dearer the worst point is than the cheapest of all smaller loads; 1 or less is linear."""
    cheapest = list(accumulate(costs, min))
    return max((cost / before for cost, before in zip(costs[1:], cheapest, strict=False)), default=1.0)


def grow(load: BenchLoad, measure: Measure, studies: Sequence[Study] = STUDIES, repeats: int = 1) -> dict[str, Any]:
    """Carry the studies out; `linear` says whether all stay within `WORST_EXCESS`.

    A study is run `repeats` times from its smallest load to its largest, and the median of each point counts: what
    else the machine does then decides nothing.
    """
    found: dict[str, Any] = {}
    for study in studies:
        loads = study.loads(load)
        rounds = [[measure(one) for one in loads] for _ in range(repeats)]
        points = []
        for one, runs in zip(loads, zip(*rounds, strict=True), strict=True):
            costs = sorted(study.cost(one, figures) for figures in runs)
            points.append(
                {
                    "at": getattr(one, study.name),
                    "cpu_s_per_1000": round(median(costs), 4),
                    "runs": [round(cost, 4) for cost in costs],
                    **{
                        name: median(float(str(figures[name])) for figures in runs)
                        for name in BESIDE
                        if name in runs[0]
                    },
                }
            )
        found[study.name] = {
            "per": "1,000 units" if study.per_unit else "1,000 session-seconds",
            "points": points,
            "excess": round(excess([point["cpu_s_per_1000"] for point in points]), 3),
        }
    return {"studies": found, "linear": all(study["excess"] <= WORST_EXCESS for study in found.values())}


BESIDE = ("lateness_p99_ms", "service_time_p99_ms", "memory_mb", "gateway_cpu_s_per_1000_session_s")
"""Figures kept of each point beside its cost."""


def plot(grown: dict[str, Any], path: Path) -> None:
    """Draw cost against size, a panel a study, as an SVG that any browser shows: each run, and the medians' line."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "growth"})
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(grown["studies"]), figsize=(10, 3), squeeze=False, layout="constrained")
    for panel, (name, study) in zip(panels[0], grown["studies"].items(), strict=True):
        for point in study["points"]:
            panel.plot([point["at"]] * len(point["runs"]), point["runs"], ".", color="0.6")
        at = [point["at"] for point in study["points"]]
        panel.plot(at, [point["cpu_s_per_1000"] for point in study["points"]], marker="o")
        panel.set(xlabel=name, ylabel=f"CPU-s per {study['per']}", ylim=(0, None), xscale="log")
        panel.set_xticks(at, [f"{value:g}" for value in at])
        panel.minorticks_off()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
