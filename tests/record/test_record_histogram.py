"""Recording in bulk gives the very histogram that recording value by value gives."""

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.record.histogram import HIGHEST_US, LOWEST_US, SIGNIFICANT_DIGITS, histogram, percentiles_ms

VALUES_NS = st.lists(
    st.one_of(st.integers(0, 10**7), st.integers(-(10**6), 4 * 10**12), st.sampled_from([0, 500, 1000, 2_047_500])),
    max_size=60,
)


def one_by_one(values_ns: list[int]) -> HdrHistogram:
    folded = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
    for value_ns in values_ns:
        folded.record_value(min(max((value_ns + 500) // 1000, LOWEST_US), HIGHEST_US))
    return folded


@given(VALUES_NS)
def test_bulk_is_value_by_value(values_ns: list[int]) -> None:
    bulk, slow = histogram(np.array(values_ns, dtype=np.int64)), one_by_one(values_ns)
    assert bulk.encode() == slow.encode()


@given(VALUES_NS, VALUES_NS)
def test_merging_loses_nothing(left: list[int], right: list[int]) -> None:
    merged = histogram(np.array(left, dtype=np.int64))
    merged.add(histogram(np.array(right, dtype=np.int64)))
    assert merged.encode() == histogram(np.array(left + right, dtype=np.int64)).encode()


@given(st.lists(st.integers(1000, 10**11), min_size=1, max_size=60), st.sampled_from([50.0, 95.0, 99.0, 99.9]))
def test_percentiles_are_right_to_three_digits(values_ns: list[int], at: float) -> None:
    ordered = np.sort(np.array(values_ns, dtype=np.int64))
    rank = max(1, int(at / 100 * len(ordered) + 0.5))  # HdrHistogram rounds the rank half up
    exact_us = ordered[rank - 1] / 1000
    seen_us = histogram(ordered).get_value_at_percentile(at)
    assert seen_us == pytest.approx(exact_us, rel=2e-3, abs=1.5)


def test_figures_in_ms_and_zeros_where_nothing_was_seen() -> None:
    figures = percentiles_ms(histogram(np.array([1_000_000, 2_000_000, 1_000_000_000], dtype=np.int64)))
    assert figures["count"] == 3
    assert figures["p50"] == pytest.approx(2.0, rel=1e-3)
    assert figures["max"] == pytest.approx(1000.0, rel=1e-3)
    assert percentiles_ms(histogram(np.empty(0, dtype=np.int64))) == {
        "p50": 0.0,
        "p95": 0.0,
        "p99": 0.0,
        "p999": 0.0,
        "max": 0.0,
        "count": 0,
    }


def test_each_percentile_is_its_own() -> None:
    figures = percentiles_ms(histogram(np.arange(1, 1001, dtype=np.int64) * 1_000_000))
    assert figures == pytest.approx(
        {"p50": 500, "p95": 950, "p99": 990, "p999": 999, "max": 1000, "count": 1000}, rel=1e-3
    )
