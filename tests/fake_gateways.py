"""Gateways that misbehave, each in one way; everything else is the plain v1 gateway's."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from tests.plain_v1_gateway import Message, PlainGateway, Session


class Refusing(PlainGateway):
    """Answers every upgrade with one HTTP status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__()
        self._status = status

    def answer_http(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/healthz"):
            return super().answer_http(socket, request)
        return socket.respond(self._status, "no")


class Silent(PlainGateway):
    """Accepts, and never says a word."""

    async def converse(self, socket: ServerConnection) -> None:
        await socket.wait_closed()


class BadJson(PlainGateway):
    """Says nothing that can be read."""

    async def converse(self, socket: ServerConnection) -> None:
        async for _ in socket:
            await socket.send('{"type": "audio_chunk", oops')


class OddJson(PlainGateway):
    """Valid JSON, of every wrong shape."""

    async def send(self, session: Session, message: Message) -> None:
        assert session.socket is not None
        for frame in ("[]", "null", '{"type": 7}', '{"type": "audio_chunk", "session_id": "\\ud800"}', "[" * 5000):
            await session.socket.send(frame)
        await session.socket.send(b"\0binary")
        if message["type"] == "audio_chunk":
            message = message | {"units_text": "\ud800", "unit_index_end": 2**62, "audio_base64": "?"}
            await session.socket.send(json.dumps(message))
        else:
            await super().send(session, message)


class NoAnswerToResume(PlainGateway):
    """Takes a resume and says nothing more in that session."""

    async def replay(self, session: Session, last_unit: int) -> None:
        session.socket = None


class ReplaysTwice(PlainGateway):
    """Replays everything two times, from the first chunk on."""

    async def replay(self, session: Session, last_unit: int) -> None:
        await super().replay(session, -1)
        await super().replay(session, -1)


class ClosesWithinReplay(PlainGateway):
    """Closes the connection after the first chunk of the replay."""

    async def replay(self, session: Session, last_unit: int) -> None:
        assert session.socket is not None
        for chunk in session.chunks[:1]:
            await self.send(session, chunk)
        await session.socket.close(1011, "replay failed")


class AudioBeforeResume(PlainGateway):
    """Sends what it has before it has even answered the start."""

    async def begin(self, socket: ServerConnection, start: Message) -> Session:
        if known := self.sessions.get(start["session_id"]):
            known.socket = socket
            await self.replay(known, -1)
        return await super().begin(socket, start)


class ForgetsEverything(PlainGateway):
    """Knows no session after its connection is gone."""

    async def begin(self, socket: ServerConnection, start: Message) -> Session:
        known = start["session_id"] in self.sessions
        session = await super().begin(socket, start)
        if known:
            error = {"type": "error", "session_id": start["session_id"], "seq": 0}
            await self.send(session, error | {"code": "resume_not_available", "message": "unknown session"})
            await asyncio.sleep(0)
            await socket.close()
        return session


class CrashesLate(PlainGateway):
    """Fails inside after some chunks: the library closes with 1011."""

    async def flush(self, session: Session) -> None:
        if len(session.chunks) == 2:
            await session.socket.close(1011, "out of memory")  # type: ignore[union-attr]
        await super().flush(session)


@contextmanager
def tcp_that_says_nothing() -> Iterator[str]:
    """A port that accepts connections and never answers anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}/tts"


@contextmanager
def nobody() -> Iterator[str]:
    """A port where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"ws://127.0.0.1:{held.getsockname()[1]}/tts"


@contextmanager
def no_http() -> Iterator[str]:
    """A port that answers whatever comes with a line of another protocol."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def greet() -> None:
            server.settimeout(0.1)
            while not stop.is_set():
                try:
                    peer, _ = server.accept()
                except TimeoutError:
                    continue
                with peer:
                    peer.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.getsockname()[1]}/tts"
        finally:
            stop.set()
            thread.join(10)
