"""A plain v1 gateway, written from part 1 of the contract alone: no added field, no code of the reference's.

Methods are what `tests.fake_gateways` overrides to misbehave.
"""

import asyncio
import base64
import io
import json
import math
import ssl
import struct
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Protocol

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

RATE = 16_000
MARKS = "，。！？；：,.!?;\n"
UNIT_PCM = b"".join(struct.pack("<h", round(8000 * math.sin(2 * math.pi * 440 * i / RATE))) for i in range(RATE // 25))
Message = dict[str, Any]


def wav_header(channels: int) -> bytes:
    """The 44 bytes of a WAV file without data."""
    with io.BytesIO() as file:
        with wave.open(file, "wb") as writer:
            writer.setparams((channels, 2, RATE, 0, "NONE", ""))
        return file.getvalue()


class Session:
    """What the gateway keeps of one session, over all its connections."""

    def __init__(self, start: Message) -> None:
        self.start = start
        self.text = ""
        self.flushed = 0
        self.chunks: list[Message] = []
        self.socket: ServerConnection | None = None


class PlainGateway:
    """Speaks v1 and nothing else."""

    health = '{"status": "ok", "engine": "dummy", "engine_resolved": "dummy", "version": "plain"}'

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}

    def answer_http(self, socket: ServerConnection, request: Request) -> Response | None:
        """Serve the health page; None lets the handshake go on."""
        if request.path.startswith("/healthz"):
            return socket.respond(HTTPStatus.OK, self.health)
        if not request.path.startswith("/tts"):
            return socket.respond(HTTPStatus.NOT_FOUND, "no such page")
        return None

    async def converse(self, socket: ServerConnection) -> None:
        """Carry one connection's session."""
        session: Session | None = None
        try:
            async for frame in socket:
                message = json.loads(frame)
                if session is None:
                    session = await self.begin(socket, message)
                elif await self.take(session, message):
                    break
        except ConnectionClosed:
            pass

    async def begin(self, socket: ServerConnection, start: Message) -> Session:
        """Open a session, or attach this connection to a live one."""
        session = self.sessions.setdefault(start["session_id"], Session(start))
        session.socket = None
        ack = {key: start[key] for key in ("session_id", "audio_format", "sample_rate", "channels")}
        header = base64.b64encode(wav_header(start["channels"])).decode()
        ack |= {"type": "start_ack", "ttl_s": 120.0, "wav_header_base64": header}
        await socket.send(json.dumps(ack))
        session.socket = socket
        return session

    async def take(self, session: Session, message: Message) -> bool:
        """Take one message; True when the session is over."""
        match message["type"]:
            case "text_delta":
                for unit in message["text"]:
                    session.text += unit
                    if unit in MARKS or len(session.text) - session.flushed == 24:
                        await self.flush(session)
            case "resume":
                await self.replay(session, message["last_unit_index_received"])
            case "text_end":
                if session.flushed < len(session.text):
                    await self.flush(session)
                await self.end(session, cancelled=False)
                return True
            case "cancel":
                await self.end(session, cancelled=True)
                return True
        return False

    async def flush(self, session: Session) -> None:
        """Make one chunk of what is pending and send it."""
        start, session.flushed = session.flushed, len(session.text)
        chunk = {key: session.start[key] for key in ("session_id", "audio_format", "sample_rate", "channels")} | {
            "type": "audio_chunk",
            "seq": len(session.chunks),
            "chunk_seq": len(session.chunks),
            "unit_index_start": start,
            "unit_index_end": session.flushed - 1,
            "units_text": session.text[start:],
            "audio_base64": base64.b64encode(UNIT_PCM * (session.flushed - start) * session.start["channels"]).decode(),
        }
        session.chunks.append(chunk)
        await self.send(session, chunk)

    async def replay(self, session: Session, last_unit: int) -> None:
        """Send again what came after the last unit that the client has."""
        for chunk in session.chunks:
            if chunk["unit_index_end"] > last_unit:
                await self.send(session, chunk)

    async def end(self, session: Session, cancelled: bool) -> None:
        """Say so, and let the connection close."""
        fields = {"type": "tts_end", "session_id": session.start["session_id"], "seq": len(session.chunks)}
        await self.send(session, fields | {"cancelled": cancelled})
        self.sessions.pop(session.start["session_id"], None)

    async def send(self, session: Session, message: Message) -> None:
        """Send to the session's connection, if it has one."""
        if session.socket is not None:
            await session.socket.send(json.dumps(message, ensure_ascii=False))


class Speaking(Protocol):
    """What it takes to be served."""

    async def converse(self, socket: ServerConnection) -> None: ...

    def answer_http(self, socket: ServerConnection, request: Request) -> Response | None: ...


@contextmanager
def running(gateway: Speaking, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a free port in a thread of its own; gives the URL."""
    started: list[tuple[asyncio.AbstractEventLoop, Server, asyncio.Event]] = []
    ready = threading.Event()

    async def main() -> None:
        over = asyncio.Event()
        async with serve(
            gateway.converse,
            "127.0.0.1",
            0,
            ssl=tls,
            process_request=gateway.answer_http,
            close_timeout=1,
            ping_interval=None,
            max_size=None,
        ) as server:
            started.append((asyncio.get_running_loop(), server, over))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10)
    loop, server, over = started[0]
    try:
        yield f"{'wss' if tls else 'ws'}://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/tts"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        assert not thread.is_alive()
