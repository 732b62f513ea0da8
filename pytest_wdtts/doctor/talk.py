"""A few WebSocket messages with a service, and all that came back: what a person would try by hand."""

import asyncio
import json
from typing import Any

from msgspec import Struct

from ..transport import Connection, PortableTransport, parse_target


class Talk(Struct, frozen=True):
    """What came: `refused` says why the connection never opened, `late` that the end did not come in time."""

    messages: tuple[dict[str, Any], ...] = ()
    refused: str = ""
    late: bool = False
    closed: str = ""

    def kinds(self) -> list[str]:
        """The types of the messages, in order."""
        return [str(message.get("type")) for message in self.messages]

    def first(self, *kinds: str) -> dict[str, Any] | None:
        """The first message of one of these types."""
        return next((message for message in self.messages if message.get("type") in kinds), None)


def talk(url: str, key: str, frames: list[bytes], last: tuple[str, ...], limit_s: float) -> Talk:
    """Connect, send all frames, and listen until a message of a type in `last`, the close, or the limit."""
    return asyncio.run(_talk(url, key, frames, last, limit_s))


async def _talk(url: str, key: str, frames: list[bytes], last: tuple[str, ...], limit_s: float) -> Talk:
    ear = _Ear(last)
    connection: Connection = PortableTransport().connect(parse_target(url, key), ear)
    late = False
    try:
        async with asyncio.timeout(limit_s):
            await ear.opened.wait()
            if not ear.refused:
                for frame in frames:
                    connection.send_text(frame)
                await ear.over.wait()
    except TimeoutError:
        late = True
    connection.reset()
    return Talk(tuple(ear.messages), ear.refused, late, ear.closed)


class _Ear:
    """Listens to one connection."""

    def __init__(self, last: tuple[str, ...]) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refused = self.closed = ""
        self.opened, self.over = asyncio.Event(), asyncio.Event()
        self._last = last
        if not last:
            self.over.set()

    def connection_open(self) -> None:
        self.opened.set()

    def text_frame(self, frame: bytes) -> None:
        try:
            message = json.loads(frame)
        except ValueError:
            message = {"type": "no JSON", "frame": frame[:200].decode(errors="replace")}
        if isinstance(message, dict):
            self.messages.append(message)
            if message.get("type") in self._last:
                self.over.set()

    def binary_frame(self, size_bytes: int) -> None:
        self.messages.append({"type": "binary", "size_bytes": size_bytes})

    def connection_closed(self, code: int, reason: str) -> None:
        self.closed = f"{code} {reason}".strip()
        if not self.opened.is_set():
            self.refused = self.refused or f"closed with {self.closed}"
            self.opened.set()
        self.over.set()

    def connection_failed(self, reason: str) -> None:
        self.refused = reason
        self.opened.set()
        self.over.set()
