"""The stability tests: their parts by hand, and the calibration in a form small enough for every day."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from benchmarks.stability_calibration import (
    FORMS,
    FULL,
    SHORT,
    STEADY,
    drifting,
    judged_chunks,
    judged_units,
    jumping,
    measure,
    starting,
)
from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.record.measures import Series
from pytest_wdtts.verdict import Limits
from pytest_wdtts.verdict.stability import assess, cut_windows, jump, most_expected, onset, tail, trend

RUNS = 40


@pytest.mark.parametrize("name", list(STEADY)[:2])
def test_a_steady_gateway_raises_no_alarm(name: str) -> None:
    """At the stated rate of 0.1 % a second alarm among 40 fixed seeds would be a wonder."""
    assert measure("service_time_p99_stable", name, "full", judged_chunks(FULL, STEADY[name]), RUNS).alarms <= 1


def test_flush_wait_of_a_real_text_raises_no_alarm() -> None:
    draw = judged_units(SHORT, "zh_low_punct", STEADY["lognormal, median 5 ms"])
    assert measure("unit_latency_p99_stable", "zh_low_punct", "short", draw, RUNS // 2).alarms <= 1


@pytest.mark.parametrize("form", FORMS)
def test_a_drift_of_10_ms_a_second_is_found(form: str) -> None:
    draw = judged_chunks(FORMS[form], drifting(STEADY["lognormal, median 5 ms"], 10.0))
    assert measure("service_time_p99_stable", "drift", form, draw, RUNS).alarms == RUNS


@pytest.mark.parametrize("form", FORMS)
def test_a_gateway_that_gets_slower_at_one_blow_is_found(form: str) -> None:
    draw = judged_chunks(FORMS[form], jumping(STEADY["lognormal, median 5 ms"], 200.0))
    assert measure("service_time_p99_stable", "jump", form, draw, RUNS).alarms == RUNS


@pytest.mark.parametrize("first_high", [4, 10, 16])
def test_a_jump_by_hand(first_high: int) -> None:
    values = [10.0 + i % 3 for i in range(first_high)] + [100.0 + i % 3 for i in range(20 - first_high)]
    rise_ms, p_value = jump(values)
    assert rise_ms == 88.0
    assert p_value == pytest.approx(0.00065, abs=0.00001), "sorted like this at one of 13 places"


@pytest.mark.parametrize(
    "values",
    [
        [5.0] * 20,
        [100.0] * 10 + [10.0] * 10,
        [10.0] * 10 + [100.0] * 9 + [10.0],
        [float(i) for i in range(20)],
        [10.0] * 17 + [100.0] * 3,
        [10.0, 40.0] * 5 + [60.0, 90.0] * 5,
    ],
    ids=["level", "down", "back again", "slope", "at the very end", "no wider than the noise"],
)
def test_what_is_no_jump(values: list[float]) -> None:
    assert jump(values) == (0.0, 1.0)


@pytest.mark.parametrize(("form", "fewest"), [("full", RUNS), ("short", RUNS * 3 // 4)])
def test_a_drift_that_begins_in_the_middle_is_found(form: str, fewest: int) -> None:
    draw = judged_chunks(FORMS[form], starting(STEADY["lognormal, median 5 ms"], 10.0))
    assert measure("service_time_p99_stable", "onset", form, draw, RUNS).alarms >= fewest


@pytest.mark.parametrize("first_high", [10, 12, 14])
def test_an_onset_by_hand(first_high: int) -> None:
    """It rises by 10 from window to window; the end is the middle of the last four."""
    risen = [20.0 + 10 * i for i in range(20 - first_high)]
    rise_ms, p_value = onset([10.0 + i % 3 for i in range(first_high)] + risen)
    assert rise_ms == (risen[-2] + risen[-3]) / 2 - 11.0
    assert p_value == pytest.approx(0.00065, abs=0.00001), "sorted like this at one of 13 places"


@pytest.mark.parametrize(
    "values",
    [
        [5.0] * 20,
        [10.0] * 10 + [100.0] * 10,
        [10.0] * 10 + [20.0 + 10 * i for i in range(9)] + [10.0],
        [10.0] * 9 + [20.0 + 10 * i for i in range(8)] + [50.0, 60.0, 50.0],
        [10.0] * 15 + [20.0 + 10 * i for i in range(5)],
        [10.0, 40.0] * 5 + [41.0 + 3 * i for i in range(10)],
        [200.0 - 10 * i for i in range(20)],
    ],
    ids=["level", "a jump", "back again", "half back", "too late", "no wider than the noise", "down"],
)
def test_what_is_no_onset(values: list[float]) -> None:
    assert onset(values) == (0.0, 1.0)


@pytest.mark.parametrize("bend", [0.05, 0.1, 0.3])
def test_a_rise_that_bends_is_no_wandering(bend: float) -> None:
    """A queue that fills: an overloaded gateway's service time from 3 s to 13 s, ever more slowly."""
    grown = 1 - np.exp(-bend * np.arange(20))
    rise_ms, p_value = trend([0.5 * i for i in range(20)], (3000 + 10_000 * grown / grown[-1]).tolist())
    assert rise_ms > 2000
    assert p_value < 0.001


def test_teeth_of_a_saw_are_no_rise() -> None:
    values = [100.0 + 50 * (i % 7) for i in range(20)]
    assert trend([float(i) for i in range(20)], values)[1] > 0.01


SPAN_NS = (0, 60 * NS_PER_S)


def series(values_ms: list[float]) -> Series:
    """Values at equal distances over 60 s."""
    at_ns = np.linspace(*SPAN_NS, len(values_ms), endpoint=False).astype(np.int64)
    value_ns = (np.array(values_ms) * NS_PER_MS).astype(np.int64)
    return Series(value_ns, at_ns, np.zeros(len(at_ns), dtype=np.int64))


def test_a_rise_that_does_not_matter_is_no_alarm() -> None:
    found = assess(series([100 + i / 50 for i in range(400)]), SPAN_NS, Limits())
    assert found is not None
    assert found.trend_p < 0.001
    assert found.rise_ms == pytest.approx(8, abs=1)
    assert not found.rising


def test_getting_faster_is_no_alarm() -> None:
    found = assess(series([500 - i for i in range(400)]), SPAN_NS, Limits())
    assert found is not None
    assert found.rise_ms < -300
    assert not found.rising


def test_a_step_in_the_middle_is_a_rise() -> None:
    rng = np.random.default_rng(1)
    values = np.where(np.arange(400) < 200, 20.0, 200.0) + rng.uniform(0, 5, 400)
    found = assess(series(values.tolist()), SPAN_NS, Limits())
    assert found is not None
    assert found.rise_ms > 100


@pytest.mark.parametrize(("slow", "tailed"), [(0, False), (1, False), (20, True)])
def test_slow_tail(slow: int, tailed: bool) -> None:
    values = [5.0] * 1000
    for place in range(slow):
        values[place * 1000 // slow] = 3000.0
    found = assess(series(values), SPAN_NS, Limits())
    assert found is not None
    assert found.tailed is tailed
    assert len(found.tail_at_ns) == slow


def test_eight_windows_of_two_values_are_the_fewest() -> None:
    assert assess(series([5.0] * 16), SPAN_NS, Limits()) is not None


@pytest.mark.parametrize("count", [0, 1, 15])
def test_too_little_says_nothing(count: int) -> None:
    assert assess(series([5.0] * count), SPAN_NS, Limits()) is None


def test_all_in_one_moment_says_nothing() -> None:
    moment = Series(np.full(500, 5 * NS_PER_MS), np.full(500, 7), np.zeros(500, dtype=np.int64))
    assert assess(moment, SPAN_NS, Limits()) is None


def test_windows_cover_the_span_without_gap() -> None:
    windows = cut_windows(7, 1000, 9)
    assert (windows[0].start_ns, windows[-1].end_ns) == (7, 1000)
    assert all(a.end_ns == b.start_ns for a, b in pairwise(windows))


@given(st.lists(st.floats(0, 1e5), min_size=8, max_size=30, unique=True))
def test_p_value_is_never_smaller_than_kendalls_by_more_than_the_approximation(values: list[float]) -> None:
    at_s = [float(i) for i in range(len(values))]
    rise_ms, p_value = trend(at_s, values)
    assert 0 <= p_value <= 1
    assert p_value >= float(kendalltau(at_s, values, alternative="greater").pvalue) * 0.5 - 0.02
    assert np.isfinite(rise_ms)


def test_a_p_value_by_hand() -> None:
    """25 pairs rise and 3 fall: S = 22, less 1 for continuity, over the root of 8 * 7 * 21 / 18; they alternate, so
    nothing is taken off for a level that wanders."""
    rise_ms, p_value = trend([float(i) for i in range(8)], [1.0, 3.0, 2.0, 5.0, 4.0, 7.0, 6.0, 8.0])
    assert rise_ms == pytest.approx(7.0, abs=0.5)
    assert p_value == pytest.approx(0.00469, abs=0.00001)


def test_all_equal_is_no_trend() -> None:
    assert trend([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]) == (0.0, 1.0)


def test_binomial_bounds_by_hand() -> None:
    assert tail(0, 100, 0.001) == 1.0
    assert tail(1, 1, 0.25) == pytest.approx(0.25)
    assert tail(2, 2, 0.5) == pytest.approx(0.25)
    assert most_expected(10, 0.0, 0.999) == 0
    assert most_expected(1, 1.0, 0.999) == 1
    assert most_expected(4, 0.5, 0.9) == 3
