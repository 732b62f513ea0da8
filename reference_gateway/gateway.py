"""What all connections of one gateway share."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Protocol

from .defects import Defects
from .engines import Engine
from .metrics import Tally
from .registry import Registry
from .session import Limits
from .settings import Settings


class Guest(Protocol):
    """A connection, as far as the gateway needs to know one."""

    @property
    def has_session(self) -> bool:
        """Whether a `start` came on it."""

    def go_away(self) -> None:
        """Close with 1001: the gateway shuts down."""


@dataclass(slots=True)
class Gateway:
    """One gateway, however many connections it serves."""

    settings: Settings
    engine: Engine
    defects: Defects
    registry: Registry
    tally: Tally
    guests: "dict[Guest, asyncio.Task[object]]" = field(default_factory=dict)
    """Every open connection, with the task that serves it."""
    draining: bool = False
    loop_lag_s: float = 0.0
    """How late the last sweep was: the delay that any timer of this process sees."""

    async def sweep_forever(self) -> None:
        """Look for stalled and expired sessions, with one timer for all of them."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self.settings.sweep_s
            await asyncio.sleep(self.settings.sweep_s)
            self.loop_lag_s = max(0.0, loop.time() - due)
            self.registry.sweep(monotonic_ns())

    async def drain(self) -> None:
        """Refuse what is new, let what lives finish within the grace, then send the rest away."""
        self.draining = True
        for guest in self.guests:
            if not guest.has_session:
                guest.go_away()
        await self._guests_gone(self.settings.drain_grace_s)
        for guest in self.guests:
            guest.go_away()
        await self._guests_gone(2 * self.settings.close_grace_s)

    async def _guests_gone(self, timeout_s: float) -> None:
        if self.guests:
            await asyncio.wait(self.guests.values(), timeout=timeout_s)


def make_gateway(settings: Settings, engine: Engine, defects: Defects) -> Gateway:
    """Return a gateway with no sessions."""
    tally = Tally()
    limits = Limits(
        cache_chunks=settings.cache_chunks,
        cache_bytes=settings.cache_bytes,
        unsent_chunks=settings.unsent_chunks,
        unsent_bytes=settings.unsent_bytes,
        max_pending_text=settings.max_pending_text,
        stall_ns=int(settings.stall_s * 1e9),
        stall_bytes=settings.stall_bytes,
        ttl_ns=int(settings.ttl_s * 1e9),
    )
    registry = Registry(defects.limits(limits), settings.total_unsent_bytes, settings.total_cache_bytes, tally)
    return Gateway(settings, engine, defects, registry, tally)
