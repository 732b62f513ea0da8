"""A connection that was cut is let go with its conversation, whether or not the gateway ever answered."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from pytest_wdtts.load import TimerWheel
from pytest_wdtts.record import SessionRecord
from pytest_wdtts.run.conversation import Conversation
from pytest_wdtts.session import ClientSession
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

    def now_ns(self) -> int:
        return 0

    def connect(self, target: Any, listener: Any) -> DeafConnection:
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
