"""Workers meet: who takes part, who leads, and what becomes of a run that loses one of them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from pytest_wdtts.shards import Meeting, Member, Seat

LIMIT_S = 20.0


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    meeting = Meeting()
    yield meeting
    meeting.close()


@pytest.fixture
def member(meeting: Meeting) -> Iterator[Callable[[str], Member]]:
    members: list[Member] = []

    def join(name: str) -> Member:
        members.append(Member(meeting.address, meeting.key, name))
        return members[-1]

    yield join
    for each in members:
        each.leave()


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., "Future[Any]"]]:
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


def test_all_that_are_expected_get_a_seat_and_the_leader_the_first(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    meeting.expect("run", ["gw0", "gw1", "gw2"], leader="gw1")
    seats = {name: meanwhile(member(name).ask, "join", "run") for name in ("gw0", "gw1", "gw2")}
    assert {name: seat.result(LIMIT_S) for name, seat in seats.items()} == {
        "gw1": Seat(0, 3, leads=True),
        "gw0": Seat(1, 3),
        "gw2": Seat(2, 3),
    }


def test_a_worker_that_dies_before_it_came_is_not_waited_for(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    meeting.expect("run", ["gw0", "gw1"], leader="gw0")
    seat = meanwhile(member("gw0").ask, "join", "run")
    meeting.lost("gw1")
    assert seat.result(LIMIT_S) == Seat(0, 1, leads=True)


def test_who_comes_after_the_beginning_can_only_judge(meeting: Meeting, member: Callable[[str], Member]) -> None:
    meeting.expect("run", ["gw0"], leader="gw0")
    assert member("gw0").ask("join", "run").leads
    assert member("gw1").ask("join", "run") == Seat(over=True)


def begun(meeting: Meeting, member: Callable[[str], Member], meanwhile: Any, pids: list[int]) -> dict[str, Member]:
    """A run of three that has had the leader's word."""
    names = ["gw0", "gw1", "gw2"]
    meeting.expect("run", names, leader="gw0")
    members = {name: member(name) for name in names}
    for seat in [meanwhile(members[name].ask, "join", "run") for name in names]:
        seat.result(LIMIT_S)
    members["gw0"].ask("go", "run", {"run_id": "r1", "pids": pids})
    assert members["gw1"].ask("await_go", "run", LIMIT_S)["run_id"] == "r1"
    return members


def test_the_judge_waits_until_the_others_are_through(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    members = begun(meeting, member, meanwhile, [])
    for name in members:
        members[name].ask("done", "run")
    assert members["gw0"].ask("await_end", "run", LIMIT_S) == (3, {}, "r1")


def test_a_worker_whose_line_breaks_is_lost_at_once(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    members = begun(meeting, member, meanwhile, [])
    members["gw0"].ask("done", "run")
    members["gw2"].ask("done", "run")
    end = meanwhile(members["gw0"].ask, "await_end", "run", LIMIT_S)
    members["gw1"].leave()
    of, lost, _ = end.result(LIMIT_S)
    assert of == 3
    assert lost == {1: "its worker died"}


def test_a_worker_that_never_ends_is_lost_by_the_deadline(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    members = begun(meeting, member, meanwhile, [])
    members["gw0"].ask("done", "run")
    _, lost, _ = members["gw0"].ask("await_end", "run", 0.05)
    assert set(lost) == {1, 2}
    assert "did not end within 0.05 s" in lost[1]


def test_a_leader_that_dies_takes_its_gateway_along(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    gateway = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    try:
        members = begun(meeting, member, meanwhile, [gateway.pid])
        members["gw0"].leave()
        assert gateway.wait(LIMIT_S) != 0
    finally:
        gateway.kill()
        gateway.wait()


def test_a_leader_that_dies_before_its_word_sends_the_others_home(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    meeting.expect("run", ["gw0", "gw1"], leader="gw0")
    leader, other = member("gw0"), member("gw1")
    for seat in [meanwhile(each.ask, "join", "run") for each in (leader, other)]:
        seat.result(LIMIT_S)
    leader.leave()
    assert other.ask("await_go", "run", LIMIT_S) is None
    assert other.ask("await_end", "run", 0.0)[2] == "", "a run that never began has no id"


def test_nobody_is_let_in_without_the_key(meeting: Meeting) -> None:
    from multiprocessing import AuthenticationError

    with pytest.raises((AuthenticationError, OSError, EOFError)):
        Member(meeting.address, os.urandom(32), "stranger").ask("join", "run")
    meeting.expect("run", ["gw0"], leader="gw0")
    assert Member(meeting.address, meeting.key, "gw0").ask("join", "run").leads, "the door still opens for others"
