"""Workers meet: who takes part, who leads, and what becomes of a run that loses one of them."""

import os
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from pytest_wdtts.errors import OwnFailure
from pytest_wdtts.run import SCENARIOS, Snapshot, plan_run
from pytest_wdtts.shards import Meeting, Member, Place, Seat, Word
from pytest_wdtts.stack import Gateway

LIMIT_S = 20.0
WORD = Word(
    plan=plan_run(SCENARIOS["baseline"], "r1", {"sessions": 3, "duration_s": 5.0}, {}),
    gateway=Gateway("ws://127.0.0.1:9/tts"),
    stack="external",
    transport="auto",
    origin_ns=0,
    order={},
)


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
    assert member("gw1").ask("join", "run") == Seat(over=True, invited=False)


def test_who_was_invited_and_finds_the_leader_gone_has_nothing_to_drive(
    meeting: Meeting, member: Callable[[str], Member]
) -> None:
    meeting.expect("run", ["gw0", "gw1"], leader="gw0")
    meeting.lost("gw0")
    assert member("gw1").ask("join", "run") == Seat(over=True)


def begun(meeting: Meeting, member: Callable[[str], Member], meanwhile: Any) -> dict[str, Member]:
    """A run of three that has had the leader's word."""
    names = ["gw0", "gw1", "gw2"]
    meeting.expect("run", names, leader="gw0")
    members = {name: member(name) for name in names}
    for seat in [meanwhile(members[name].ask, "join", "run") for name in names]:
        seat.result(LIMIT_S)
    members["gw0"].ask("go", "run", WORD)
    assert members["gw1"].ask("await_go", "run", LIMIT_S) == WORD
    return members


def test_the_judge_waits_until_the_others_are_through(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    members = begun(meeting, member, meanwhile)
    for name in members:
        members[name].ask("done", "run")
    assert members["gw0"].ask("await_end", "run", LIMIT_S) == (3, {}, "r1")


def test_a_worker_whose_line_breaks_is_lost_at_once(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    members = begun(meeting, member, meanwhile)
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
    members = begun(meeting, member, meanwhile)
    members["gw0"].ask("done", "run")
    _, lost, _ = members["gw0"].ask("await_end", "run", 0.05)
    assert set(lost) == {1, 2}
    assert "did not end within 0.05 s" in lost[1]


def places(members: dict[str, Member]) -> list[Place]:
    return [Place(member, "run", Seat(number, 3)) for number, member in enumerate(members.values())]


def test_the_leader_waits_for_all_at_a_point_and_they_wait_for_it(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    leader, first, second = places(begun(meeting, member, meanwhile))
    ready = meanwhile(leader.await_all, "ready")
    mended = meanwhile(second.await_leader, "mended")
    first.come_to("ready")
    assert not ready.done()
    second.done()  # Who is through is waited for no more.
    ready.result(LIMIT_S)
    assert not mended.done()
    leader.come_to("mended")
    mended.result(LIMIT_S)
    first.await_leader("mended")  # Who comes later finds it so.


def test_a_worker_that_dies_before_a_point_is_not_waited_for(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    members = begun(meeting, member, meanwhile)
    leader, first, _ = places(members)
    ready = meanwhile(leader.await_all, "ready")
    first.come_to("ready")
    members["gw2"].leave()
    ready.result(LIMIT_S)


def test_a_leader_that_dies_before_a_point_is_our_own_failure(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    members = begun(meeting, member, meanwhile)
    mended = meanwhile(places(members)[1].await_leader, "mended gateway_restart")
    members["gw0"].leave()
    with pytest.raises(OwnFailure, match="the worker that leads the run never mended gateway_restart"):
        mended.result(LIMIT_S)


def test_who_does_not_come_to_a_point_is_named_as_our_own_failure(
    meeting: Meeting,
    member: Callable[[str], Member],
    meanwhile: Callable[..., "Future[Any]"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pytest_wdtts.shards.member.READY_LIMIT_S", 0.05)
    with pytest.raises(OwnFailure, match="not every worker was ready for gateway_pause"):
        places(begun(meeting, member, meanwhile))[0].await_all("ready for gateway_pause")


def test_whoever_looks_on_sees_the_sum_of_all_parts(meanwhile: Callable[..., "Future[Any]"]) -> None:
    shown: queue.Queue[Snapshot] = queue.Queue()
    meeting = Meeting(shown.put)
    members = [Member(meeting.address, meeting.key, name) for name in ("gw0", "gw1")]
    meeting.expect("run", ["gw0", "gw1"], "gw0")
    members[0].tell("watch", "run", Snapshot(3, 30, 20, 1, 5.0, 8.0))
    assert shown.get(timeout=LIMIT_S) == Snapshot(3, 30, 20, 1, 5.0, 8.0)
    members[1].tell("watch", "run", Snapshot(2, 10, 9, 0, 7.0, 7.5))
    assert shown.get(timeout=LIMIT_S) == Snapshot(5, 40, 29, 1, 7.0, 8.0)
    meeting.close()


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


def test_who_was_interrupted_in_a_question_takes_no_late_answer_for_another(
    meeting: Meeting, member: Callable[[str], Member], meanwhile: Callable[..., "Future[Any]"]
) -> None:
    """Ctrl-C comes while the leader waits for the others: what it asks next is not the answer to that."""
    meeting.expect("run", ["gw0", "gw1"], leader="gw0")
    leader, other = member("gw0"), member("gw1")
    seats = [meanwhile(each.ask, "join", "run").result for each in (leader, other)]
    leads, follows = (Place(who, "run", seat(LIMIT_S)) for who, seat in zip((leader, other), seats, strict=True))
    leads.go(WORD)
    leader.tell("await_end", "run", LIMIT_S)  # Asked, and never listened to.
    follows.fail("interrupted, too")
    follows.done()
    leads.leave()
    assert leads.await_end(LIMIT_S) == {1: "interrupted, too"}


def test_nobody_is_let_in_without_the_key(meeting: Meeting) -> None:
    from multiprocessing import AuthenticationError

    with pytest.raises((AuthenticationError, OSError, EOFError)):
        Member(meeting.address, os.urandom(32), "stranger").ask("join", "run")
    meeting.expect("run", ["gw0"], leader="gw0")
    assert Member(meeting.address, meeting.key, "gw0").ask("join", "run").leads, "the door still opens for others"
