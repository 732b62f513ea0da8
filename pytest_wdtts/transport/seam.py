"""The thin seam between a conversation and whatever library carries it.

Everything is a callback and nothing is awaited, so that thousands of sessions share one loop without a task
each. A transport also has to give what faults need: a reset, a socket that really is not read, silence.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect. `receive_buffer_bytes` (0: the system's) bounds what the kernel hides of a slow reader."""

    host: str
    port: int
    resource: str
    tls: ssl.SSLContext | None = None
    headers: dict[str, str] = field(default_factory=dict)
    receive_buffer_bytes: int = 0

    @property
    def authority(self) -> str:
        """The Host header's value."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Listener(Protocol):
    """What hears of a connection."""

    def connection_open(self) -> None:
        """The WebSocket handshake is done."""

    def text_frame(self, frame: bytes) -> None:
        """One whole text message came, as UTF-8."""

    def binary_frame(self, size_bytes: int) -> None:
        """One whole binary message came."""

    def connection_closed(self, code: int, reason: str) -> None:
        """The connection is gone; 1006 without a close frame. Called once, also when it never opened."""

    def connection_failed(self, reason: str) -> None:
        """It could not be opened: refused, or the handshake was answered otherwise."""


class Connection(Protocol):
    """One WebSocket connection, seen from the client."""

    def send_text(self, frame: bytes) -> None:
        """Send one text frame now."""

    def close(self, code: int = 1000) -> None:
        """Close with a closing handshake."""

    def reset(self) -> None:
        """Cut with a TCP reset: nothing in flight survives."""

    def reset_within_frame(self, then: Callable[[], None]) -> None:
        """Cut with a TCP reset as soon as a part of a message has come, but not all of it; `then` hears of it."""

    def fall_silent(self) -> None:
        """Neither read nor write nor close any more: the peer sees a half-open connection."""

    def pause_reading(self) -> None:
        """Stop reading from the kernel's socket."""

    def read_at_most(self, budget_bytes: int) -> None:
        """Read so many bytes from the kernel's socket, then stop again."""

    def resume_reading(self) -> None:
        """Read again."""


class Transport(Protocol):
    """A library that can open connections."""

    name: str

    def connect(self, target: Target, listener: Listener) -> Connection:
        """Begin to open a connection; the listener hears the outcome. How long to wait is for the caller to say."""
        ...

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a new event loop of the kind that it works best on."""
        ...
