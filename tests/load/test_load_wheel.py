"""The wheel: never early, nothing lost, oldest first, however late somebody looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.load import TimerWheel

MS = 1_000_000
TIMES = st.lists(st.integers(-5 * MS, 50 * MS), max_size=40)


@given(TIMES, st.lists(st.integers(0, 10 * MS), max_size=20), st.sampled_from([1, 7, MS, 3 * MS]))
def test_nothing_early_nothing_lost_in_order(times: list[int], steps: list[int], slot_ns: int) -> None:
    wheel: TimerWheel[tuple[int, int]] = TimerWheel(slot_ns)
    for number, at_ns in enumerate(times):
        wheel.schedule(at_ns, (at_ns, number))
    now_ns, taken = 0, []
    for step in [*steps, 100 * MS]:
        now_ns += step
        due = wheel.take_due(now_ns)
        assert all(at_ns <= now_ns for at_ns, _ in due)
        left = wheel.next_ns()
        assert left is None or left > now_ns
        taken += due
    assert sorted(taken) == sorted((at_ns, number) for number, at_ns in enumerate(times))
    slots = [-(-at_ns // slot_ns) for at_ns, _ in taken]
    assert slots == sorted(slots)
    same_time = [(at_ns, number) for at_ns, number in taken]
    assert sorted(same_time, key=lambda entry: -(-entry[0] // slot_ns)) == same_time


@given(TIMES)
def test_what_is_due_waits_one_slot_at_most(times: list[int]) -> None:
    wheel: TimerWheel[int] = TimerWheel(MS)
    for at_ns in times:
        wheel.schedule(at_ns, at_ns)
    while (now_ns := wheel.next_ns()) is not None:
        for at_ns in wheel.take_due(now_ns):
            assert 0 <= now_ns - at_ns < MS


@pytest.mark.parametrize("slot_ns", [1, MS])
def test_items_put_down_while_others_come_out_are_kept(slot_ns: int) -> None:
    wheel: TimerWheel[str] = TimerWheel(slot_ns)
    wheel.schedule(5 * MS, "first")
    assert wheel.take_due(5 * MS) == ["first"]
    wheel.schedule(2 * MS, "late already")
    wheel.schedule(5 * MS, "now")
    wheel.schedule(6 * MS, "later")
    assert wheel.take_due(5 * MS) == ["late already", "now"]
    assert wheel.next_ns() == 6 * MS
    assert wheel.take_due(6 * MS) == ["later"]
    assert wheel.next_ns() is None
    assert wheel.take_due(7 * MS) == []


def test_an_item_before_all_others_is_told() -> None:
    told: list[int | None] = []
    wheel: TimerWheel[str] = TimerWheel(on_earlier=lambda: told.append(wheel.next_ns()))
    wheel.schedule(50_000_000, "first")
    wheel.schedule(90_000_000, "later")
    wheel.schedule(50_000_000, "with it")
    wheel.schedule(20_000_000, "before it")
    assert told == [50_000_000, 20_000_000]
