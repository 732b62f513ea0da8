"""A look at the gateway while it has nothing to do: is it there, and what does the way to it cost."""

import asyncio
import time
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from ..attribution import Look
from ..conformance.wire import Opcode, RawWire
from ..gate.live import LiveGateway
from ..protocol import MAX_PENDING_UNITS, Start, TextDelta, TextEnd, encode
from ..stack import sample
from ..transport import Target, http_origin, parse_target

LIMIT_S = 5.0
PINGS = 3
FRAMES = 4
TEXT = "字" * MAX_PENDING_UNITS * FRAMES
"""Without a mark: whole sets of units, so that each frame is as big as v1 makes one."""
HTTP_HEAD_BYTES = 64 * 1024


def look(live: LiveGateway, name: str) -> Look:
    """Look once; `name` is of its one session. What cannot be had is left out, and nothing is raised."""
    seen = live.run(_look(parse_target(live.gateway.url, live.gateway.api_key), live.gateway.url, name))
    memory = sample(live.stack.pids() or [], 0)
    return Look(**seen, rss_bytes=memory.rss_bytes if memory else -1)


async def _look(target: Target, url: str, name: str) -> dict[str, Any]:
    """A gateway that shakes hands and answers a ping is there, however long its audio takes."""
    seen: dict[str, Any] = {}
    try:
        async with asyncio.timeout(LIMIT_S):
            seen["connect_ms"] = await _connect_ms(target)
            wire = await RawWire.open(target)
    except (OSError, EOFError, TimeoutError) as error:
        words = str(error) or f"no answer within {LIMIT_S:g} s"
        return {"alive": False, "trouble": f"{http_origin(url)}: {words}"}
    with suppress(OSError, EOFError, TimeoutError):
        async with asyncio.timeout(LIMIT_S):
            seen["ping_ms"] = sorted([await _ping_ms(wire) for _ in range(PINGS)])[PINGS // 2]
            seen |= await _speak(wire, name)
    wire.drop()
    health_ms = await _health_ms(target)
    return seen | ({"health_ms": health_ms} if health_ms is not None else {})


async def _connect_ms(target: Target) -> float:
    began_s = time.monotonic()
    _, writer = await asyncio.open_connection(target.host, target.port)
    took_ms = _since_ms(began_s)
    writer.transport.abort()
    return took_ms


async def _speak(wire: RawWire, name: str) -> dict[str, Any]:
    """One short session whose audio comes in whole frames: how many bytes, and how long they took to arrive."""
    wire.send(encode(Start(name, "pcm16_wav", 16000, 1)))
    wire.send(encode(TextDelta(name, 0, TEXT)))
    wire.send(encode(TextEnd(name, 1)))
    arrival_s, size = 0.0, 0
    while (frame := await wire.receive()).opcode != Opcode.CLOSE:
        if frame.opcode == Opcode.PING:
            wire.send(frame.payload, Opcode.PONG)
        if b'"audio_base64"' in frame.payload:
            arrival_s += frame.arrival_s
            size += len(frame.payload)
    wire.send(frame.payload[:2], Opcode.CLOSE)
    return {"transfer_ms": arrival_s * 1000, "transfer_bytes": size}


async def _ping_ms(wire: RawWire) -> float:
    began_s = time.monotonic()
    wire.send(b"", Opcode.PING)
    while (await wire.receive()).opcode != Opcode.PONG:
        pass
    return _since_ms(began_s)


async def _health_ms(target: Target) -> float | None:
    """The middle of a few `GET /healthz` on one connection; None where there is no page of a known length."""
    try:
        async with asyncio.timeout(LIMIT_S):
            reader, writer = await asyncio.open_connection(
                target.host, target.port, ssl=target.tls, limit=HTTP_HEAD_BYTES
            )
            try:
                return sorted([await _get_ms(reader, writer, target) for _ in range(PINGS)])[PINGS // 2]
            finally:
                writer.transport.abort()
    except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
        return None


async def _get_ms(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Target) -> float:
    path = PurePosixPath(target.resource.partition("?")[0]).with_name("healthz")
    began_s = time.monotonic()
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {target.authority}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    sizes = [line.partition(":")[2] for line in head.splitlines() if line.startswith("content-length:")]
    if not sizes:
        raise ValueError("a page in chunks: its length is not said")
    await reader.readexactly(int(sizes[0]))
    return _since_ms(began_s)


def _since_ms(began_s: float) -> float:
    return (time.monotonic() - began_s) * 1000
