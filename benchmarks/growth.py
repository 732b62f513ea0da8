"""How the generator's cost grows with sessions, with units a second, and with time: never worse than linear."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .load import BenchLoad

WORST_EXCESS = 1.15
"""How much dearer a session-second (or unit) may be in a larger load than it was in any smaller one."""

Measure = Callable[[BenchLoad], dict[str, object]]


class Study(Struct, frozen=True):
    """One quantity that grows while the others stand still; what its cost is divided by."""

    name: str
    values: tuple[float, ...]
    base: dict[str, float]
    per_unit: bool = False

    def loads(self, load: BenchLoad) -> list[BenchLoad]:
        """The loads of the study."""
        return [replace(load, **{**self.base, self.name: type(getattr(load, self.name))(v)}) for v in self.values]

    def size(self, load: BenchLoad) -> float:
        """How large a load is, in thousands of session-seconds or of units."""
        return load.session_seconds * (load.cps if self.per_unit else 1.0) / 1000


STUDIES = (
    Study("sessions", (125, 250, 500, 1000, 2000, 4000), {"duration_s": 10.0}),
    Study("cps", (1, 5, 10, 20, 50), {"sessions": 100, "duration_s": 10.0}, per_unit=True),
    Study("duration_s", (10, 20, 40), {"sessions": 250}),
)


def excess(costs: Sequence[float]) -> float:
    """How many times dearer the worst point is than the cheapest of all smaller loads; 1 or less is linear."""
    cheapest = list(accumulate(costs, min))
    return max((cost / before for cost, before in zip(costs[1:], cheapest, strict=False)), default=1.0)


def grow(load: BenchLoad, measure: Measure, studies: Sequence[Study] = STUDIES) -> dict[str, Any]:
    """Carry the studies out; `linear` says whether all stay within `WORST_EXCESS`."""
    found: dict[str, Any] = {}
    for study in studies:
        points = []
        for one in study.loads(load):
            measured = measure(one)
            cost = float(str(measured["cpu_s"])) / study.size(one)
            points.append({"at": getattr(one, study.name), "cpu_s_per_1000": round(cost, 4), **measured})
        worst = excess([float(str(point["cpu_s_per_1000"])) for point in points])
        found[study.name] = {
            "per": "1,000 units" if study.per_unit else "1,000 session-seconds",
            "points": points,
            "excess": round(worst, 3),
        }
    return {"studies": found, "linear": all(study["excess"] <= WORST_EXCESS for study in found.values())}


def plot(grown: dict[str, Any], path: Path) -> None:
    """Draw cost against size, a panel a study, as an SVG that any browser shows."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(grown["studies"]), figsize=(12, 3.6), squeeze=False, layout="constrained")
    for panel, (name, study) in zip(panels[0], grown["studies"].items(), strict=True):
        at = [point["at"] for point in study["points"]]
        panel.plot(at, [point["cpu_s_per_1000"] for point in study["points"]], marker="o")
        panel.set(xlabel=name, ylabel=f"CPU-seconds per {study['per']}", ylim=(0, None), xscale="log")
    figure.savefig(path)
    pyplot.close(figure)
