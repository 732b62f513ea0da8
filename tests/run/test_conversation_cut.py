"""A connection that was cut is let go with its conversation, whether or not the gateway ever answered."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from pytest_wdtts.clock import NS_PER_S
from pytest_wdtts.load import TimerWheel
from pytest_wdtts.protocol import Error, StartAck, encode
from pytest_wdtts.record import EventKind, SessionRecord
from pytest_wdtts.run.conversation import Conversation
from pytest_wdtts.session import ClientSession
from reference_gateway.wav import wav_header
from tests.builders import session_plan

ACK = encode(StartAck("s", "pcm16_wav", 16000, 1, 120.0, wav_header(16000, 1)))


class DeafConnection:
    """Does as it is told, and hears nothing of its peer."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.told.append(name)


class World:
    """A run with one connection to give."""

    def __init__(self) -> None:
        self.wheel: TimerWheel[Any] = TimerWheel()
        self.transport = self
        self.connection = DeafConnection()
        self.time_ns = 0
        self.away: tuple[int, int] | None = None
        """When the plan has the gateway down."""
        self.broken = False
        self.waiting: list[Conversation] = []
        self.replaced: list[Conversation] = []

    def now_ns(self) -> int:
        return self.time_ns

    def connect(self, target: Any, listener: Any) -> DeafConnection:
        self.listener = listener
        return self.connection

    def conversation_over(self, conversation: Conversation) -> None: ...

    def gateway_away(self, since_ns: int) -> bool:
        return self.away is not None and self.away[0] <= self.time_ns and self.away[1] >= since_ns

    def gateway_broken(self) -> bool:
        return self.broken

    def await_gateway(self, conversation: Conversation) -> None:
        self.waiting.append(conversation)

    def replace(self, conversation: Conversation, now_ns: int) -> None:
        self.replaced.append(conversation)


def begun(world: World) -> Conversation:
    plan = session_plan()
    conversation = Conversation(cast(Any, world), ClientSession(plan, SessionRecord(plan)), cast(Any, None))
    conversation.open(0)
    world.listener.connection_open()
    world.listener.text_frame(ACK)
    return conversation


@pytest.mark.parametrize(("how", "told"), [("close", "close"), ("silence", "fall_silent"), ("reset", "reset")])
def test_what_was_cut_is_reset_when_the_conversation_is_over(how: str, told: str) -> None:
    world, plan = World(), session_plan()
    conversation = Conversation(cast(Any, world), ClientSession(plan, SessionRecord(plan)), cast(Any, None))
    conversation.open(0)
    assert conversation.cut(1, how, resume=True)
    assert world.connection.told == [told]
    conversation.give_up(2, "the run broke off")
    assert world.connection.told == [told, "reset"]


def test_what_waits_for_text_end_comes_also_where_all_text_leaves_with_the_answer_to_start() -> None:
    world, plan = World(), session_plan()
    conversation = Conversation(cast(Any, world), ClientSession(plan, SessionRecord(plan)), cast(Any, None))
    happened: list[int] = []
    conversation.after_text_end += [happened.append, happened.append]
    conversation.open(0)
    world.listener.connection_open()
    world.time_ns = plan.due_ns(len(plan.text))
    world.listener.text_frame(ACK)
    assert world.connection.told == ["send_text"] * (1 + len(plan.text) + 1)
    assert happened == [world.time_ns] * 2, "two faults may wait for the same moment"


@pytest.mark.parametrize(
    ("away_s", "slow_s", "closed_s", "by_plan"),
    [
        ((5.0, 6.0), (4.0, 8.0), 8.1, True),  # It came and went while nobody read.
        ((5.0, 6.0), (5.5, 8.0), 8.1, True),  # What was read before was not yet the end.
        ((5.0, 6.0), (6.5, 8.0), 8.1, False),  # Whoever read until then had heard of it.
        ((5.0, 6.0), (4.0, 8.0), 9.1, False),  # Whoever reads again has soon heard all.
        ((5.0, 6.0), None, 5.5, True),
        ((5.0, 6.0), None, 6.1, False),
    ],
)
def test_who_does_not_read_hears_late_that_the_plan_took_its_gateway(
    away_s: tuple[float, float], slow_s: tuple[float, float] | None, closed_s: float, by_plan: bool
) -> None:
    world = World()
    conversation = begun(world)
    from_ns, to_ns = (round(at_s * NS_PER_S) for at_s in away_s)
    world.away = from_ns, to_ns
    if slow_s:
        conversation.read_slowly(round(slow_s[0] * NS_PER_S), 0)
        conversation.read_normally(round(slow_s[1] * NS_PER_S))
    world.time_ns = round(closed_s * NS_PER_S)
    world.listener.connection_closed(1006, "")
    assert world.waiting == [conversation] * by_plan
    assert conversation.record.has(EventKind.FAILED) is not by_plan


@pytest.mark.parametrize("stand", ["reader", "gateway", "nobody"])
def test_nobody_is_late_while_the_plan_has_reader_or_gateway_at_a_stand(stand: str) -> None:
    world = World()
    conversation = begun(world)
    conversation.cancel(0)
    if stand == "reader":
        conversation.read_slowly(0, 0)
    world.broken = stand == "gateway"
    for at_s in (5, 12):
        conversation.sweep(at_s * NS_PER_S)
    conversation.read_normally(12 * NS_PER_S)
    world.broken = False
    conversation.sweep(21 * NS_PER_S)
    assert conversation.over is (stand == "nobody")
    conversation.sweep(23 * NS_PER_S)
    assert conversation.over, "afterwards it waits no longer than ever"


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_cancelled_session_is_not_replaced_by_a_new_one(cancelled: bool) -> None:
    world = World()
    conversation = begun(world)
    if cancelled:
        conversation.cancel(0)
    world.listener.text_frame(encode(Error("s", 1, "resume_not_available", "gone")))
    assert world.replaced == [conversation] * (not cancelled)
