"""Defects of what a gateway holds: memory, sessions, unsent audio."""

import sys
from dataclasses import dataclass
from dataclasses import replace as _replaced

from pytest_wdtts.protocol import ClientMessage, Start

from ..session import Limits
from .chance import Defect

UNBOUNDED = sys.maxsize


class UnboundedBuffer(Defect):
    """Audio for a reader that does not read is kept without bound, and nobody is told."""

    def limits(self, limits: Limits) -> Limits:
        return _replaced(limits, unsent_chunks=UNBOUNDED, unsent_bytes=UNBOUNDED, stall_ns=UNBOUNDED)


class NeverFreed(Defect):
    """The session of a client that stays away lives on after its `ttl_s`."""

    def limits(self, limits: Limits) -> Limits:
        return _replaced(limits, ttl_ns=UNBOUNDED)


@dataclass(kw_only=True)
class MemoryLeak(Defect):
    """Every session leaves `kib` behind that nothing frees."""

    kib: float = 1024.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._left: list[bytes] = []

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        if isinstance(message, Start) and self.begun:
            self._left.append(b"\x55" * int(self.kib * 1024))
        return message
