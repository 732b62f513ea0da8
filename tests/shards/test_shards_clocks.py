"""Clocks compared by round trips: right within what is stated, and refused where that is not enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.shards.clocks import UNCERTAINTY_LIMIT_NS, WALL_LIMIT_NS, Offset, RoundTrip

WAY_NS = st.integers(0, 10 * NS_PER_S)


def trip(asked_ns: int, there_ns: int, back_ns: int, offset_ns: int, wall_ahead_ns: int = 0) -> RoundTrip:
    """What is seen of a worker whose clocks are so far off, by a way of so many ns each."""
    answered_ns = asked_ns + there_ns + back_ns
    epoch_ns = 1_800_000_000 * NS_PER_S
    return RoundTrip(
        asked_ns=asked_ns,
        answered_ns=answered_ns,
        answered_wall_ns=epoch_ns + answered_ns,
        theirs_ns=asked_ns + there_ns + offset_ns,
        their_wall_ns=epoch_ns + asked_ns + there_ns + wall_ahead_ns,
    )


@given(st.lists(st.tuples(WAY_NS, WAY_NS), min_size=1, max_size=5), st.integers(-(10**18), 10**18))
def test_the_true_offset_is_within_the_stated_uncertainty(ways: list[tuple[int, int]], offset_ns: int) -> None:
    trips = [trip(number * 10**12, there, back, offset_ns, offset_ns) for number, (there, back) in enumerate(ways)]
    measured = Offset.measured(trips)
    assert abs(measured.monotonic_ns - offset_ns) <= measured.uncertainty_ns
    assert abs(measured.wall_ns - offset_ns) <= measured.uncertainty_ns
    assert measured.uncertainty_ns <= min((there + back + 1) // 2 for there, back in ways)


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (Offset(10**15, 0, UNCERTAINTY_LIMIT_NS), ""),
        (Offset(0, 0, UNCERTAINTY_LIMIT_NS + 1), "its clock can be told to ±50 ms only, ±50 ms is needed"),
        (Offset(0, WALL_LIMIT_NS, 0), ""),
        (Offset(0, -90 * NS_PER_S, 0), "its wall clock is 90.0 s behind, 5 s is the limit: set both by NTP"),
    ],
)
def test_clocks_that_cannot_share_an_axis_are_refused_in_words(offset: Offset, words: str) -> None:
    assert offset.trouble().startswith(words)
    assert bool(offset.trouble()) == bool(words)


def test_a_clock_that_moved_more_than_both_measurements_can_be_wrong_is_named() -> None:
    before, unsure = Offset(0, 0, NS_PER_MS), Offset(52 * NS_PER_MS, 0, NS_PER_MS)
    assert before.moved(unsure) == ""
    moved = before.moved(Offset(-300 * NS_PER_MS, 0, NS_PER_MS))
    assert moved == "its clock moved by 298 ms against the leader's during the run, ±50 ms is allowed"
