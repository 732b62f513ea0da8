"""What was injected is what met somebody; and who lost the gateway comes back in time, however many they are."""

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.faults import Cancel, Fault, FaultPlan, GatewayFault, SlowReader
from pytest_wdtts.load import TimerWheel
from pytest_wdtts.record import GatewayFaultLine
from pytest_wdtts.run.nemesis import RETURN_WITHIN_NS, Nemesis

CANCEL, SLOW = Cancel(session=0, at_ns=0), SlowReader(session=0, at_ns=0, pause_ns=NS_PER_S)


class Victim:
    """A conversation that a fault meets, or comes too early or too late for."""

    over = False

    def __init__(self, there: bool = True) -> None:
        self._there = there

    def cancel(self, now_ns: int) -> bool:
        return self._there

    def read_slowly(self, now_ns: int, bytes_per_s: int) -> bool:
        return self._there

    def read_normally(self, now_ns: int) -> None: ...

    def come_back(self, now_ns: int) -> None: ...


class Breakable:
    """A stack whose gateway is broken and mended at once; keeps what was done to it."""

    breaks = frozenset({"gateway_restart", "gateway_drain", "gateway_pause", "gateway_logs"})

    def __init__(self) -> None:
        self.done: list[str] = []

    def break_down(self, how: str) -> None:
        self.done.append(f"break {how}")

    def mend(self, how: str) -> None:
        self.done.append(f"mend {how}")


def nemesis(
    plan: FaultPlan,
    victim: Victim,
    healed: Callable[[GatewayFaultLine], None],
    stack: Breakable | None = None,
    troubles: list[Exception] | None = None,
) -> tuple[Nemesis, Any]:
    wheel: Any = TimerWheel()
    breakable: Any = stack or Breakable()
    troubles = [] if troubles is None else troubles
    made = Nemesis(plan, wheel, lambda index: cast(Any, victim), breakable, healed, troubles.append)
    return made, wheel


@pytest.mark.parametrize(("fault", "name"), [(CANCEL, "cancel"), (SLOW, "slow_reader")])
@pytest.mark.parametrize("there", [True, False])
def test_a_fault_counts_only_where_it_met_somebody(fault: Fault, name: str, there: bool) -> None:
    made, wheel = nemesis(FaultPlan(faults=(fault,)), Victim(there), lambda line: None)
    for act in wheel.take_due(0):
        act(0)
    assert made.injected == ({name: 1} if there else {})
    assert (wheel.next_ns() is not None) is (there and fault is SLOW), "only what was broken is healed"


@pytest.mark.parametrize("sessions", [3, 4000])
def test_all_who_lost_the_gateway_come_back_within_a_moment(sessions: int) -> None:
    fault = GatewayFault(how="gateway_restart", at_ns=0, down_ns=0)
    healed: list[GatewayFaultLine] = []
    made, wheel = nemesis(FaultPlan(gateway=(fault,)), Victim(), healed.append)

    async def scene() -> None:
        (begin,) = wheel.take_due(0)
        begin(0)
        made.waiting += [cast(Any, Victim()) for _ in range(sessions)]
        await made.at_rest()

    asyncio.run(scene())
    (line,) = healed
    assert len(wheel.take_due(line.healed_ns + NS_PER_MS)) < sessions, "one after another"
    assert wheel.take_due(line.healed_ns + RETURN_WITHIN_NS + NS_PER_MS)
    assert wheel.next_ns() is None


def test_a_gateway_that_takes_long_to_come_is_broken_only_when_it_is_there() -> None:
    """A plan keeps its faults apart; how long a process takes to start is no part of the plan."""
    broken, may_come = threading.Event(), threading.Event()

    class SlowToCome(Breakable):
        def break_down(self, how: str) -> None:
            super().break_down(how)
            broken.set()

        def mend(self, how: str) -> None:
            may_come.wait()
            super().mend(how)

    stack = SlowToCome()
    hows = ("gateway_restart", "gateway_pause", "gateway_drain")
    plan = FaultPlan(
        gateway=tuple(GatewayFault(how=how, at_ns=0, down_ns=0, takes_away=how != "gateway_pause") for how in hows)
    )
    healed: list[GatewayFaultLine] = []
    made, wheel = nemesis(plan, Victim(), healed.append, stack)

    async def scene() -> None:
        for begin in wheel.take_due(0):
            begin(0)
        await asyncio.to_thread(broken.wait)
        assert made.gateway_away
        assert made.gateway_broken
        may_come.set()
        await made.at_rest()

    asyncio.run(scene())
    assert stack.done == [f"{work} {how}" for how in hows for work in ("break", "mend")]
    assert all(one.at_ns < other.at_ns for one, other in pairwise(healed)), "each at the time that it was"
    assert not made.gateway_away
    assert not made.gateway_broken
    assert made.returned_ns == made.late_ns == healed[-1].healed_ns


@pytest.mark.parametrize(("how", "excused"), [("gateway_pause", True), ("gateway_logs", False)])
def test_a_gateway_whose_log_is_not_taken_is_not_broken(how: str, excused: bool) -> None:
    made, wheel = nemesis(
        FaultPlan(gateway=(GatewayFault(how=how, at_ns=0, down_ns=0, takes_away=False),)), Victim(), lambda line: None
    )

    async def scene() -> None:
        (begin,) = wheel.take_due(0)
        begin(0)
        assert made.gateway_broken is excused
        await made.at_rest()
        assert made.returned_ns < 0, "it was never away"

    asyncio.run(scene())


def test_a_gateway_that_cannot_be_mended_is_our_trouble_whatever_the_reason() -> None:
    class Unmendable(Breakable):
        def mend(self, how: str) -> None:
            raise ZeroDivisionError(how)

    troubles: list[Exception] = []
    fault = GatewayFault(how="gateway_restart", at_ns=0, down_ns=0)
    made, wheel = nemesis(FaultPlan(gateway=(fault,)), Victim(), lambda line: None, Unmendable(), troubles)

    async def scene() -> None:
        (begin,) = wheel.take_due(0)
        begin(0)
        await made.at_rest()

    asyncio.run(scene())
    assert [repr(error) for error in troubles] == ["ZeroDivisionError('gateway_restart')"]
