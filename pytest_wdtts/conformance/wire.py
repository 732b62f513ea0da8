"""A WebSocket client that can do everything wrong: it writes each frame as it is told, bit by bit.

The other transports refuse to send what RFC 6455 forbids; here that is the point.
"""

import asyncio
import base64
import os
import socket
import struct
import time
from enum import IntEnum
from typing import NamedTuple

from ..transport import Target
from ..transport.tcp import RESET_ON_CLOSE

HEAD_LIMIT_BYTES = 64 * 1024
MASK = bytes(4)
"""A mask of zeros is a mask; the frame stays readable in a capture."""


class Opcode(IntEnum):
    """Of a frame, RFC 6455 section 5.2; 3 and 11 are reserved."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    RESERVED = 3
    CLOSE = 8
    PING = 9
    PONG = 10
    RESERVED_CONTROL = 11


class Frame(NamedTuple):
    """One frame as it came; `arrival_s` is how long its bytes took from first to last."""

    opcode: int
    fin: bool
    payload: bytes
    arrival_s: float = 0.0


def frame_bytes(payload: bytes, opcode: int, *, fin: bool = True, rsv: int = 0, mask: bool = True) -> bytes:
    """One frame as RFC 6455 section 5.2 lays it out, allowed or not."""
    size = len(payload)
    masked = 0x80 if mask else 0
    if size < 126:
        length = bytes([masked | size])
    elif size < 2**16:
        length = bytes([masked | 126]) + struct.pack("!H", size)
    else:
        length = bytes([masked | 127]) + struct.pack("!Q", size)
    return bytes([fin << 7 | rsv << 4 | opcode]) + length + (MASK if mask else b"") + payload


class HandshakeRefused(ConnectionError):
    """The upgrade was answered with something else than 101; the text is the status line."""


class RawWire:
    """One connection. All methods raise `ConnectionError` or `asyncio.IncompleteReadError` where it is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._begun: list[Frame] = []

    @classmethod
    async def open(cls, target: Target) -> "RawWire":
        """Connect and shake hands. Raises `HandshakeRefused`."""
        reader, writer = await asyncio.open_connection(target.host, target.port, ssl=target.tls, limit=HEAD_LIMIT_BYTES)
        headers = {
            "Host": target.authority,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **target.headers,
        }
        lines = [f"GET {target.resource} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status = ""
        try:
            status = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n", 1)[0]
        finally:
            if " 101 " not in status:
                writer.transport.abort()
        if " 101 " not in status:
            raise HandshakeRefused(status)
        return cls(reader, writer)

    def send(
        self, payload: bytes, opcode: int = Opcode.TEXT, *, fin: bool = True, rsv: int = 0, mask: bool = True
    ) -> None:
        """Write one frame, allowed or not."""
        self.send_bytes(frame_bytes(payload, opcode, fin=fin, rsv=rsv, mask=mask))

    def send_bytes(self, data: bytes) -> None:
        """Write bytes that need not be a frame."""
        self._writer.write(data)

    async def receive(self) -> Frame:
        """Return the next control frame or message; one that comes in several frames (RFC 6455, 5.4) is joined."""
        while True:
            frame = await self._next_frame()
            if frame.opcode >= Opcode.CLOSE or (frame.fin and not self._begun):
                return frame
            self._begun.append(frame)
            if frame.fin:
                parts, self._begun = self._begun, []
                payload = b"".join(part.payload for part in parts)
                return Frame(parts[0].opcode, True, payload, sum(part.arrival_s for part in parts))

    async def _next_frame(self) -> Frame:
        first, second = await self._reader.readexactly(2)
        begun_s = time.monotonic()
        size = second & 0x7F
        if size >= 126:
            extended = 2 if size == 126 else 8
            size = int.from_bytes(await self._reader.readexactly(extended), "big")
        payload = await self._reader.readexactly(size)
        return Frame(first & 0x0F, bool(first & 0x80), payload, time.monotonic() - begun_s)

    def reset(self) -> None:
        """Cut with a TCP reset."""
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._writer.transport.abort()

    def drop(self) -> None:
        """Close the socket and forget it."""
        self._writer.transport.abort()
