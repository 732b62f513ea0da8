"""Is a p99 stable over the run? Four tests over windows, each with a stated false-alarm rate.

*Trend*: the Mann-Kendall test of window p99 against time, one-sided, so its false-alarm rate holds for any
distribution; with it the Theil-Sen slope has to say that the rise over the run matters. *Jump*: the p99 goes up once
and stays, by more than it varies before or after. *Onset*: from some time on it goes up and up. *Tail*: the count of
values beyond all proportion, against a binomial bound. How they were calibrated: docs/explanation/stability.md.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

from ..clock import NS_PER_MS, NS_PER_S
from ..record import Window
from ..record.histogram import histogram
from ..record.measures import Series
from .limits import Limits

FEWEST_WINDOWS = 8
"""With fewer, not even a rise from each window to the next could be told from chance."""
FEWEST_VALUES = 2
ONSET_WIDTHS = 1.5
ONSET_CHANCE = 0.005
"""What has begun to rise goes up so that chance alone would in 1 of 200 at most."""
SLICE_NS = NS_PER_S // 4


@dataclass(frozen=True, slots=True)
class Stability:
    """What the tests found: p99 by window, the rise over the run in ms, p-values, and the slow tail.

    `tail_session` holds places in the list that was measured.
    """

    windows: tuple[Window, ...]
    p99_ms: tuple[float, ...]
    rise_ms: float
    rise_limit_ms: float
    trend_p: float
    rising: bool
    tail_bound_ms: float
    tail_at_ns: tuple[int, ...]
    tail_session: tuple[int, ...]
    tail_p: float
    tailed: bool


def cut_windows(start_ns: int, end_ns: int, count: int) -> tuple[Window, ...]:
    """Cut a span into windows of equal length."""
    edges = [start_ns + (end_ns - start_ns) * i // count for i in range(count + 1)]
    return tuple(Window(a, b) for a, b in pairwise(edges))


def assess(series: Series, span_ns: tuple[int, int], limits: Limits) -> Stability | None:
    """Test one measure over the steady part of a run; None where there is too little to say anything."""
    steady = series.within(*span_ns)
    count = min(limits.windows, len(steady) // FEWEST_VALUES)
    if count < FEWEST_WINDOWS:
        return None
    filled = [
        (window, values)
        for window in cut_windows(*span_ns, count)
        if len(values := steady.within(window.start_ns, window.end_ns)) >= FEWEST_VALUES
    ]
    if len(filled) < FEWEST_WINDOWS:
        return None
    p99_ms = [histogram(values.value_ns).get_value_at_percentile(99.0) / 1000 for _, values in filled]
    # When its values were, not when the window was: with two or three values a window that is not the same.
    middle_s = [float(values.at_ns.mean()) / NS_PER_S for _, values in filled]
    # Whichever says more: to the trend, a level that jumps once, or stays and then rises, is one that wanders.
    said = (trend(middle_s, p99_ms), jump(p99_ms), onset(p99_ms))
    sure = [found for found in said if found[1] <= limits.false_alarm_rate]
    rise_ms, trend_p = max(sure, default=min(said, key=lambda found: found[1]))
    enough_ms = max(limits.trend_rise_ms, limits.trend_rise_share * float(np.median(p99_ms)))
    bound_ms = max(limits.tail_ms, limits.tail_factor * float(np.median(steady.value_ns)) / NS_PER_MS)
    slow = steady.value_ns > bound_ms * NS_PER_MS
    tail_p = tail(int(slow.sum()), len(steady), limits.tail_share)
    return Stability(
        windows=tuple(window for window, _ in filled),
        p99_ms=tuple(p99_ms),
        rise_ms=rise_ms,
        rise_limit_ms=enough_ms,
        trend_p=trend_p,
        rising=trend_p <= limits.false_alarm_rate and rise_ms > enough_ms,
        tail_bound_ms=bound_ms,
        tail_at_ns=tuple(steady.at_ns[slow].tolist()),
        tail_session=tuple(steady.session[slow].tolist()),
        tail_p=tail_p,
        tailed=tail_p <= limits.false_alarm_rate,
    )


def trend(at_s: list[float], values: list[float]) -> tuple[float, float]:
    """Return the rise over the span (Theil-Sen slope times its length) and the one-sided Mann-Kendall p-value.

    The variance is corrected for serial correlation after Hamed and Rao, as of a first-order process with the lag-1
    correlation of the ranks around the slope: a level that wanders is not one that rises. A rise along a curve looks
    like wandering around its slope; so one that goes up from window to window as a random walk would not, needs no
    correction.
    """
    from scipy.stats import binom, norm, rankdata, theilslopes

    if len(set(values)) == 1:
        return 0.0, 1.0
    n, y, x = len(values), np.array(values), np.array(at_s)
    slope = float(theilslopes(y, x).slope)
    ranks = rankdata(y - slope * x) - (n + 1) / 2
    kept = max(0.0, float(ranks[1:] @ ranks[:-1]) / max(1e-9, float(ranks @ ranks)))
    lags = np.arange(1, n)
    inflation = 1 + 2 * float(((1 - lags / n) * kept**lags).sum())
    plain_p, corrected_p = norm.sf(_kendall(y) / np.sqrt([1.0, inflation]))
    steps_p = binom.sf(int((np.diff(y) > 0).sum()) - 1, n - 1, 0.5)
    return slope * (at_s[-1] - at_s[0]), float(min(corrected_p, max(plain_p, steps_p)))


def jump(values: list[float]) -> tuple[float, float]:
    """Return by how much the level jumps up once and stays, and the chance of that among independent values.

    It does where all values from some place on lie above all before it, by more than either part is wide: a level
    that wanders leaves no such gap.
    """
    gaps = [(min(after) - max(before), _width(before), _width(after)) for before, after in _split(values)]
    return _sorted_by_chance(values, [gap for gap, *widths in gaps if gap > max(widths)])


def onset(values: list[float]) -> tuple[float, float]:
    """Return by how much a level rises that begins to in the second half, and the chance of that.

    It does where all values from some place on lie above all before it, go up themselves, and end above the middle of
    those before by more than one and a half times the width of these: a level that wanders comes back.
    """
    from scipy.stats import norm

    rises = []
    for before, after in _split(values):
        rise = float(np.median(after[-_fewest(values) :]) - np.median(before))
        above = min(after) > max(before) and rise > ONSET_WIDTHS * _width(before)
        late = len(before) >= len(after)  # An earlier one bends so little that the trend sees it.
        if late and above and norm.sf(_kendall(np.array(after))) <= ONSET_CHANCE:
            rises.append(rise)
    return _sorted_by_chance(values, rises)


def _fewest(values: list[float]) -> int:
    """A fifth of them: no part is shorter."""
    return -(-len(values) // 5)


def _split(values: list[float]) -> list[tuple[list[float], list[float]]]:
    """Cut in two at each place that leaves a fifth on either side."""
    fewest = _fewest(values)
    return [(values[:place], values[place:]) for place in range(fewest, len(values) - fewest + 1)]


def _width(part: list[float]) -> float:
    return max(part) - min(part)


def _sorted_by_chance(values: list[float], rises: list[float]) -> tuple[float, float]:
    """The largest rise, with the chance that all after lie above all before at any of the places looked at."""
    chance = sum(1 / comb(len(values), len(before)) for before, _ in _split(values))
    return (max(rises), chance) if rises else (0.0, 1.0)


def _kendall(values: NDArray[np.float64]) -> float:
    """Pairs that rise less pairs that fall, in standard deviations of that by chance (Mann-Kendall)."""
    n = len(values)
    rises = float(np.sign(np.subtract.outer(values, values))[np.tril_indices(n, -1)].sum())
    return (rises - 1) / float(np.sqrt(n * (n - 1) * (2 * n + 5) / 18))


def tail(slow: int, of: int, share: float) -> float:
    """Chance of so many slow values among `of` if a share of `share` were slow."""
    from scipy.stats import binom

    return float(binom.sf(slow - 1, of, share)) if slow else 1.0


def most_expected(of: int, share: float, confidence: float) -> int:
    """Return the largest count that a share of `share` explains at this confidence (binomial)."""
    from scipy.stats import binom

    return int(binom.ppf(confidence, of, share)) if share > 0 else 0


def more_slow_slices(series: Series, during: NDArray[np.bool_], bound_ns: int) -> float:
    """Chance of so many slow slices of time within `during` if they fell anywhere alike (Fisher's exact test).

    A slice is slow where any value in it is above the bound. Slices are counted and not values, because one
    hiccup of a machine makes many values slow at once.
    """
    from scipy.stats import fisher_exact

    slices = series.at_ns // SLICE_NS
    slow = series.value_ns > bound_ns
    counts = [[len(np.unique(slices[part & slow])), len(np.unique(slices[part]))] for part in (during, ~during)]
    table = [[hit, of - hit] for hit, of in counts]
    return float(fisher_exact(table, alternative="greater").pvalue)
