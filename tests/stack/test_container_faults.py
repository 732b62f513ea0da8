"""Faults of containers as calls to an engine; what the engine makes of them: `test_compose`."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from pytest_wdtts.stack.container_faults import SPARE_BYTES, break_container

MIB = 1024 * 1024


class Container:
    """Holds more and more memory, and keeps what limits it was given."""

    def __init__(self, held_mib: Iterator[float]) -> None:
        self.attrs = {"HostConfig": {"Memory": 0, "MemorySwap": 0}}
        self.limits: list[int] = []
        self._held_mib = held_mib

    def stats(self, stream: bool) -> dict[str, Any]:
        return {"memory_stats": {"usage": int(next(self._held_mib) * MIB)}}

    def update(self, mem_limit: int, memswap_limit: int) -> None:
        self.limits.append(mem_limit)


class Engine:
    """An engine with one container."""

    def __init__(self, container: Container) -> None:
        self.containers = self
        self._container = container

    def list(self, **asked: Any) -> list[Container]:
        return [self._container]


@pytest.mark.parametrize(
    ("held_mib", "squeezed_mib"),
    [
        ([40, 40.5, 90], 40.5),  # It is in the middle of its work.
        ([35, 55, 64, 64.9, 90], 64.9),  # It was just started, and everybody came back.
        ([64, 40, 90], 40),
        ([10, 20, 30, 40, 50, 60, 70], 60),  # It leaks: nobody waits for ever.
    ],
)
def test_memory_is_squeezed_to_what_a_gateway_holds_when_it_has_settled(
    held_mib: list[float], squeezed_mib: float
) -> None:
    container = Container(iter(held_mib))
    heal = break_container(cast(Any, Engine(container)), "project", "gateway_memory")
    heal()
    assert container.limits == [int(squeezed_mib * MIB) + SPARE_BYTES, -1]
