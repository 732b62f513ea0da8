"""A bare client of the `websockets` library: the same load, two tasks a session, parses and counts, no more."""

import asyncio
import os
import time

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from pytest_wdtts.load import SessionPlan

from .load import START_LEAD_S, BenchLoad, ClientCost, Meter, read_load, report

NS_PER_S = 1_000_000_000


class Counted:
    """What all sessions saw."""

    def __init__(self) -> None:
        self.units_sent = 0
        self.chunks = 0
        self.lateness_ns: list[int] = []


async def listen(connection: ClientConnection, counted: Counted) -> None:
    """Parse every message until the server closes."""
    async for frame in connection:
        if msgspec.json.decode(frame)["type"] == "audio_chunk":
            counted.chunks += 1


async def converse(session: SessionPlan, url: str, origin_ns: int, counted: Counted) -> None:
    """One session from its start to its end."""
    await _until(origin_ns + session.open_ns)
    async with connect(url, compression=None, max_size=None, ping_interval=None) as connection:
        listening = asyncio.create_task(listen(connection, counted))
        start = {"session_id": session.session_id, "audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1}
        await _send(connection, {"type": "start", **start})
        for seq, unit in enumerate(session.text):
            due_ns = origin_ns + session.due_ns(seq)
            await _until(due_ns)
            counted.lateness_ns.append(time.monotonic_ns() - due_ns)
            await _send(connection, {"type": "text_delta", "session_id": session.session_id, "seq": seq, "text": unit})
        counted.units_sent += len(session.text)
        await _send(connection, {"type": "text_end", "session_id": session.session_id, "seq": len(session.text)})
        await listening


async def drive(load: BenchLoad) -> ClientCost:
    """Run the load against a gateway that is up."""
    sessions = load.plan_sessions(f"bare{os.getpid():x}")
    counted, meter = Counted(), Meter()
    origin_ns = time.monotonic_ns() + round(START_LEAD_S * NS_PER_S)
    await asyncio.gather(*(converse(session, load.url, origin_ns, counted) for session in sessions))
    spent_s, rss_kb = meter.cpu_s(), meter.rss_kb_per_session(load.sessions)
    late_ns = sorted(counted.lateness_ns)
    return ClientCost(
        cpu_s=spent_s,
        units_sent=counted.units_sent,
        chunks_received=counted.chunks,
        lateness_p99_ms=round(late_ns[len(late_ns) * 99 // 100] / 1e6, 3),
        rss_kb_per_session=rss_kb,
    )


async def _send(connection: ClientConnection, message: dict[str, object]) -> None:
    await connection.send(msgspec.json.encode(message), text=True)


async def _until(at_ns: int) -> None:
    await asyncio.sleep(max(0, at_ns - time.monotonic_ns()) / NS_PER_S)


if __name__ == "__main__":
    report(asyncio.run(drive(read_load())))
