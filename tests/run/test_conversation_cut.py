"""A connection that was cut is let go with its conversation, whether or not the gateway ever answered."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from pytest_wdtts.load import TimerWheel
from pytest_wdtts.protocol import StartAck, encode
from pytest_wdtts.record import SessionRecord
from pytest_wdtts.run.conversation import Conversation
from pytest_wdtts.session import ClientSession
from reference_gateway.wav import wav_header
from tests.builders import session_plan


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

    def now_ns(self) -> int:
        return self.time_ns

    def connect(self, target: Any, listener: Any) -> DeafConnection:
        self.listener = listener
        return self.connection

    def conversation_over(self, conversation: Conversation) -> None: ...


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
    conversation.after_text_end = happened.append
    conversation.open(0)
    world.listener.connection_open()
    world.time_ns = plan.due_ns(len(plan.text))
    world.listener.text_frame(encode(StartAck("s", "pcm16_wav", 16000, 1, 120.0, wav_header(16000, 1))))
    assert world.connection.told == ["send_text"] * (1 + len(plan.text) + 1)
    assert happened == [world.time_ns]
