"""Container faults where the engine does not do what it is told at once."""

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError

from pytest_wdtts.errors import OwnFailure
from pytest_wdtts.stack.container_faults import PAUSE_TRIES, break_container


class Unfreezable:
    """A container that the freezer gives up on so many times."""

    def __init__(self, refusals: int) -> None:
        self._refusals = refusals
        self.done: list[str] = []

    def pause(self) -> None:
        self.done.append("pause")
        if len(self.done) <= self._refusals:
            raise APIError("OCI runtime pause failed: unable to freeze")

    def unpause(self) -> None:
        self.done.append("unpause")


def engine(container: Unfreezable) -> Any:
    return SimpleNamespace(containers=SimpleNamespace(list=lambda **asked: [container]))


def test_a_container_that_could_not_be_frozen_is_frozen_at_the_next_try() -> None:
    container = Unfreezable(PAUSE_TRIES - 1)
    break_container(engine(container), "p", "gateway_pause")()
    assert container.done == ["pause"] * PAUSE_TRIES + ["unpause"]


def test_one_that_never_can_be_is_our_own_failure_in_the_engine_s_words() -> None:
    with pytest.raises(OwnFailure, match=r"gateway_pause could not be carried out: .*unable to freeze"):
        break_container(engine(Unfreezable(PAUSE_TRIES)), "p", "gateway_pause")
