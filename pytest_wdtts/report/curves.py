"""Latency as curves: one histogram for each measure and window, from which every latency figure is taken.

The whole run is the merge of its windows, so JSON, `.hlog` and the charts cannot disagree.
"""

from collections import Counter
from typing import Any, cast

import numpy as np
from hdrh.histogram import HdrHistogram

from ..clock import NS_PER_MS, NS_PER_S
from ..record import EventKind
from ..record.histogram import HIGHEST_US, LOWEST_US, SIGNIFICANT_DIGITS, Nanoseconds, histogram, percentiles_ms
from ..record.measures import Series
from ..verdict.case import Case
from ..verdict.stability import cut_windows
from .model import Figures, WindowLine

MEASURES = {
    "ttfa_ms": "ttfa",
    "unit_latency_ms": "unit_latency",
    "service_time_ms": "service_time",
    "flush_wait_ms": "flush_wait",
    "send_lateness_ms": "send_lateness",
    "unit_latency_from_planned_ms": "planned_latency",
    "inter_chunk_gap_ms": "chunk_gap",
}
PROBE_TTFA = "probe_ttfa_ms"
WINDOWS = 24
_NINES = (0.0, *range(10, 100, 5), 96.0, 97.0, 98.0, 99.0, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99, 99.995, 99.999)


class Curves:
    """The latency of one run, cut into windows of equal length; every value lies in exactly one."""

    def __init__(self, case: Case, windows: int = WINDOWS) -> None:
        self._case = case
        self._end_ns = max(case.result.end_ns, 1)
        self._count = windows
        series = {name: getattr(case.measures, of) for name, of in MEASURES.items()}
        series[PROBE_TTFA] = case.probe_measures.ttfa
        self._by_window = {name: self._fold(of) for name, of in series.items()}
        self._whole = {name: merged(parts) for name, parts in self._by_window.items()}

    def latency(self) -> dict[str, Figures]:
        """Figures of the whole run by measure, the planned load alone."""
        return {name: figures(self._whole[name]) for name in MEASURES}

    def percentiles(self) -> dict[str, list[tuple[float, float]]]:
        """Pairs of percentile and ms, as far up as there are values to tell."""
        return {name: percentile_curve(whole) for name, whole in self._whole.items() if whole.get_total_count()}

    def encoded(self) -> dict[str, list[str]]:
        """The histograms themselves, window by window."""
        return {
            name: [part.encode().decode() if part.get_total_count() else "" for part in parts]
            for name, parts in self._by_window.items()
        }

    def windows(self) -> list[WindowLine]:
        """One line for each window."""
        codes = self._errors()
        flush_ms, service_ms = (
            self._means_ms(getattr(self._case.measures, name)) for name in ("flush_wait", "service_share")
        )
        lines = []
        for place, window in enumerate(cut_windows(0, self._end_ns, self._count)):
            line: dict[str, Any] = {"start_s": window.start_ns / NS_PER_S, "end_s": window.end_ns / NS_PER_S}
            for name in MEASURES:
                source = PROBE_TTFA if name == "ttfa_ms" else name
                line[name] = figures(self._by_window[source][place])
            line["mean_flush_wait_ms"], line["mean_service_ms"] = flush_ms[place], service_ms[place]
            line["errors_by_code"] = dict(codes[place])
            lines.append(cast("WindowLine", line))
        return lines

    def _place(self, at_ns: Nanoseconds) -> Nanoseconds:
        """Number of the window that each time lies in; what is outside of the run counts to its ends."""
        return np.clip(at_ns * self._count // self._end_ns, 0, self._count - 1)

    def _fold(self, series: Series) -> list[HdrHistogram]:
        place = self._place(series.at_ns)
        return [histogram(series.value_ns[place == number]) for number in range(self._count)]

    def _means_ms(self, series: Series) -> list[float]:
        place = self._place(series.at_ns)
        total_ns = np.bincount(place, weights=series.value_ns, minlength=self._count)
        count = np.maximum(np.bincount(place, minlength=self._count), 1)
        means: list[float] = (total_ns / count / NS_PER_MS).round(3).tolist()
        return means

    def _errors(self) -> list[Counter[str]]:
        codes: list[Counter[str]] = [Counter() for _ in range(self._count)]
        for record in self._case.result.sessions:
            if record.error_code:
                at_ns = np.array(record.times(EventKind.ERROR)[:1], dtype=np.int64)
                codes[int(self._place(at_ns)[0])][record.error_code] += 1
        return codes


def empty() -> HdrHistogram:
    """A histogram of the project's range: 1 us to 1 h, 3 significant digits."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)


def merged(parts: list[HdrHistogram]) -> HdrHistogram:
    """Merge without loss."""
    whole = empty()
    for part in parts:
        if part.get_total_count():
            whole.add(part)
    return whole


def decoded(text: str) -> HdrHistogram:
    """Return the histogram of one window as the report holds it."""
    return HdrHistogram.decode(text) if text else empty()


def figures(folded: HdrHistogram) -> Figures:
    """The six numbers of a histogram."""
    return cast("Figures", percentiles_ms(folded))


def percentile_curve(folded: HdrHistogram) -> list[tuple[float, float]]:
    """Return percentile and ms up to the percentile that a single value makes."""
    top = 100.0 * (1 - 1 / max(folded.get_total_count(), 1))
    shown = [float(at) for at in _NINES if at <= top]
    if shown and top > shown[-1]:
        shown.append(round(top, 5))
    return [(at, folded.get_value_at_percentile(at) / 1000) for at in shown]
