"""Bare clients of `websockets` and aiohttp as their manuals show them: two tasks a session, parse and count."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import msgspec
from aiohttp import ClientSession, TCPConnector
from websockets.asyncio.client import connect

from pytest_wdtts.clock import NS_PER_S
from pytest_wdtts.load import SessionPlan

from ..load import START_LEAD_S, BenchLoad, ClientCost, Meter, read_load, read_plan, report


class Line(NamedTuple):
    """An open connection: how to send a text frame, and the frames that come."""

    send: Callable[[str], Awaitable[None]]
    frames: AsyncIterator[str]


Dial = Callable[[], AbstractAsyncContextManager[Line]]


@asynccontextmanager
async def on_websockets(url: str) -> AsyncIterator[Dial]:
    """Dial with the `websockets` library."""

    @asynccontextmanager
    async def dial() -> AsyncIterator[Line]:
        async with connect(url, compression=None, max_size=None, ping_interval=None) as connection:
            yield Line(connection.send, aiter(connection))  # type: ignore[arg-type]

    yield dial


@asynccontextmanager
async def on_aiohttp(url: str) -> AsyncIterator[Dial]:
    """Dial with aiohttp, all from one client session."""
    async with ClientSession(connector=TCPConnector(limit=0)) as client:

        @asynccontextmanager
        async def dial() -> AsyncIterator[Line]:
            async with client.ws_connect(url, max_msg_size=0) as connection:
                yield Line(connection.send_str, (message.data async for message in connection))

        yield dial


LIBRARIES = {"websockets": on_websockets, "aiohttp": on_aiohttp}


class Counted:
    """What all sessions saw."""

    def __init__(self) -> None:
        self.units_sent = 0
        self.chunks = 0
        self.lateness_ns: list[int] = []

    async def listen(self, line: Line) -> None:
        """Parse every message until the gateway closes."""
        async for frame in line.frames:
            if msgspec.json.decode(frame)["type"] == "audio_chunk":
                self.chunks += 1

    async def converse(self, session: SessionPlan, dial: Dial, origin_ns: int) -> None:
        """One session from its start to its end."""
        await _until(origin_ns + session.open_ns)
        async with dial() as line:
            listening = asyncio.create_task(self.listen(line))
            form = {"audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1}
            await _say(line, type="start", session_id=session.session_id, **form)
            for seq, unit in enumerate(session.text):
                due_ns = origin_ns + session.due_ns(seq)
                await _until(due_ns)
                self.lateness_ns.append(time.monotonic_ns() - due_ns)
                await _say(line, type="text_delta", session_id=session.session_id, seq=seq, text=unit)
            self.units_sent += len(session.text)
            await _say(line, type="text_end", session_id=session.session_id, seq=len(session.text))
            await listening


async def drive(load: BenchLoad) -> ClientCost:
    """Run the load against a gateway that is up."""
    sessions, counted = read_plan(load), Counted()
    meter = Meter()
    origin_ns = time.monotonic_ns() + round(START_LEAD_S * NS_PER_S)
    async with LIBRARIES[load.transport](load.url) as dial:
        await asyncio.gather(*(counted.converse(session, dial, origin_ns) for session in sessions))
    late_ns = sorted(counted.lateness_ns)
    return ClientCost(
        cpu_s=meter.cpu_s(),
        memory_mb=meter.memory_mb(),
        units_sent=counted.units_sent,
        chunks_received=counted.chunks,
        lateness_p99_ms=round(late_ns[len(late_ns) * 99 // 100] / 1e6, 3),
    )


async def _say(line: Line, **message: object) -> None:
    await line.send(msgspec.json.encode(message).decode())


async def _until(at_ns: int) -> None:
    wait_s = (at_ns - time.monotonic_ns()) / NS_PER_S
    if wait_s > 0:
        await asyncio.sleep(wait_s)


if __name__ == "__main__":
    asked = read_load()
    report(asked, asyncio.run(drive(asked)))
