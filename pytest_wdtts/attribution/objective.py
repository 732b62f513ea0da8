"""What a gateway has to hold for a load to count as carried: `service_time_ms.p99<100 and errors==0`."""

import operator
import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from ..errors import UsageError
from ..record.histogram import PERCENTILES
from .seen import StepSeen

MEASURES = ("ttfa_ms", "unit_latency_ms", "service_time_ms", "flush_wait_ms", "send_lateness_ms")
FIGURES = (*PERCENTILES, "max")
COUNTS = ("errors", "missing_units", "duplicate_units", "mismatched_units")
DEFAULT_OBJECTIVE = "service_time_ms.p99<100 and errors==0"
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_TERM = re.compile(r"(?P<measure>\w+)(?:\.(?P<figure>\w+))?\s*(?P<operator><=|>=|==|<|>)\s*(?P<value>\d+(?:\.\d*)?)")
_FORM = f"write MEASURE.FIGURE<MS or COUNT==0, joined by `and`, such as {DEFAULT_OBJECTIVE!r}"


class Term(Struct, frozen=True):
    """One comparison; `figure` is "" for a count."""

    measure: str
    figure: str
    operator: str
    value: float

    def holds(self, seen: StepSeen) -> bool:
        """Whether one step kept to it; where nothing was measured, no limit of time was kept."""
        if not self.figure:
            return _OPERATORS[self.operator](seen.counts[self.measure], self.value)
        figures = seen.figures[self.measure]
        return bool(figures["count"]) and _OPERATORS[self.operator](figures[self.figure], self.value)


class Objective(Struct, frozen=True):
    """All terms have to hold."""

    text: str
    terms: tuple[Term, ...]

    def holds(self, seen: StepSeen) -> bool:
        """Whether one step kept to it."""
        return all(term.holds(seen) for term in self.terms)


def read_objective(text: str) -> Objective:
    """Read an objective. Raises `UsageError` with the form and the valid names."""
    return Objective(text.strip(), tuple(_read_term(part, text) for part in re.split(r"\s+and\s+", text.strip())))


def refuse_unknown(text: str, name: str, valid: Sequence[str]) -> None:
    """Raise `UsageError` where an expression uses a name that there is not."""
    if name not in valid:
        raise UsageError(f"{text!r}: no {name!r}, one of {', '.join(valid)}")


def _read_term(part: str, text: str) -> Term:
    match = _TERM.fullmatch(part.strip())
    if not match:
        raise UsageError(
            f"{text!r} is no objective: {_FORM}; measures are {', '.join(MEASURES)}, counts {', '.join(COUNTS)}"
        )
    measure, figure, sign, value = match.group("measure", "figure", "operator", "value")
    if figure:
        refuse_unknown(text, measure, MEASURES)
        refuse_unknown(text, figure, FIGURES)
    else:
        refuse_unknown(text, measure, COUNTS)
    return Term(measure, figure or "", sign, float(value))
