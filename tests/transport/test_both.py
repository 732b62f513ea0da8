"""What a conversation needs of a transport holds for both of them, each on the event loop that it prefers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response

from pytest_wdtts.errors import UsageError
from pytest_wdtts.transport import TRANSPORTS, Connection, Target, Transport, choice, choose_transport
from pytest_wdtts.transport.portable import PortableConnection, PortableTransport

DEADLINE_S = 20.0
TURNS = 5

Serving = Callable[[ServerConnection], Awaitable[None]]
Scene = Callable[[], Awaitable[None]]


@dataclass
class Ear:
    """A listener that keeps what it heard, and lets a test wait for the next of it."""

    heard: "asyncio.Queue[tuple[Any, ...]]" = field(default_factory=asyncio.Queue)

    def connection_open(self) -> None:
        self.heard.put_nowait(("open",))

    def text_frame(self, frame: bytes) -> None:
        self.heard.put_nowait(("text", frame))

    def binary_frame(self, size_bytes: int) -> None:
        self.heard.put_nowait(("binary", size_bytes))

    def connection_closed(self, code: int, reason: str) -> None:
        self.heard.put_nowait(("closed", code, reason))

    def connection_failed(self, reason: str) -> None:
        self.heard.put_nowait(("failed", reason))

    async def next(self) -> tuple[Any, ...]:
        return await self.heard.get()


@pytest.fixture(params=["picows", "websockets"])
def transport(request: pytest.FixtureRequest) -> Transport:
    return choose_transport(request.param)


@pytest.fixture
def play(transport: Transport) -> Callable[[Scene], None]:
    """Run a scene on the transport's own loop; an error in any callback fails it."""

    def run(scene: Scene) -> None:
        async def within_deadline() -> None:
            failures: list[dict[str, Any]] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
            async with asyncio.timeout(DEADLINE_S):
                await scene()
            assert failures == []

        with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
            runner.run(within_deadline())

    return run


@contextlib.asynccontextmanager
async def serving(handler: Serving, **options: Any) -> AsyncIterator[Target]:
    async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None, **options) as server:
        yield target_of(server)


def target_of(server: Server) -> Target:
    return Target("127.0.0.1", next(iter(server.sockets)).getsockname()[1], "/tts")


async def opened(transport: Transport, target: Target) -> tuple[Connection, Ear]:
    ear = Ear()
    connection = transport.connect(target, ear)
    assert await ear.next() == ("open",)
    return connection, ear


async def echo(peer: ServerConnection) -> None:
    async for message in peer:
        await peer.send(message)


async def time_passes(transport: Transport, target: Target) -> None:
    """Some round trips on another connection: whatever was on its way before has arrived."""
    connection, ear = await opened(transport, target)
    for _ in range(TURNS):
        connection.send_text(b"tick")
        assert await ear.next() == ("text", b"tick")
    connection.reset()


# --- the plain course ------------------------------------------------------------------------------------------


def test_text_goes_both_ways(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        async with serving(echo) as target:
            connection, ear = await opened(transport, target)
            for text in ("您好，", "x" * 70_000, "終"):
                connection.send_text(text.encode())
                assert await ear.next() == ("text", text.encode())
            connection.close()
            assert (await ear.next())[:2] == ("closed", 1000)

    play(scene)


def test_headers_and_resource_reach_the_peer(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def tell(peer: ServerConnection) -> None:
        assert peer.request is not None
        await peer.send(f"{peer.request.path} {peer.request.headers['Authorization']}")

    async def scene() -> None:
        async with serving(tell) as target:
            asked = replace(target, resource="/tts?x=1", headers={"Authorization": "Bearer key"})
            _, ear = await opened(transport, asked)
            assert await ear.next() == ("text", b"/tts?x=1 Bearer key")

    play(scene)


def test_fragments_binary_and_pings(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def speak(peer: ServerConnection) -> None:
        await peer.send(["one ", "message ", "in parts"])
        await (await peer.ping())
        await peer.send([b"12", b"345"])

    async def scene() -> None:
        async with serving(speak) as target:
            _, ear = await opened(transport, target)
            assert await ear.next() == ("text", b"one message in parts")
            assert await ear.next() == ("binary", 5)

    play(scene)


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "the gateway shuts down"), (4321, "自訂")])
def test_the_peer_closes(transport: Transport, play: Callable[[Scene], None], code: int, reason: str) -> None:
    answered: list[int | None] = []

    async def leave(peer: ServerConnection) -> None:
        await peer.send("last words")
        await peer.close(code, reason)
        answered.append(peer.close_code)

    async def scene() -> None:
        async with serving(leave) as target:
            _, ear = await opened(transport, target)
            assert await ear.next() == ("text", b"last words")
            assert await ear.next() == ("closed", code, reason)
        assert answered == [code]

    play(scene)


def test_the_peer_drops_the_connection(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def drop(peer: ServerConnection) -> None:
        peer.transport.abort()

    async def scene() -> None:
        async with serving(drop) as target:
            _, ear = await opened(transport, target)
            assert (await ear.next())[:2] == ("closed", 1006)

    play(scene)


# --- what cannot be opened -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "--wdtts-api-key"), (403, "forbids"), (404, "/tts"), (503, "no new sessions"), (500, "expected 101")],
)
def test_a_refused_handshake_in_words(
    transport: Transport, play: Callable[[Scene], None], status: int, words: str
) -> None:
    def refuse(peer: ServerConnection, request: Request) -> Response:
        return peer.respond(HTTPStatus(status), "no")

    async def scene() -> None:
        async with serving(echo, process_request=refuse) as target:
            ear = Ear()
            transport.connect(target, ear)
            kind, reason = await ear.next()
            assert kind == "failed"
            assert f"HTTP {status}" in reason
            assert words in reason

    play(scene)


def test_nobody_listens(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            ear = Ear()
            transport.connect(Target("127.0.0.1", taken.getsockname()[1], "/tts"), ear)
            kind, reason = await ear.next()
        assert kind == "failed"
        assert "refused" in reason

    play(scene)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "connection closed during the handshake: expected 101"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "check the port, and ws:// against wss://"),
        (b"HTTP/1.1 101 Switching Proto", "connection closed during the handshake: expected 101"),
        (b"220 mail.example ESMTP\r\n\r\n", "handshake refused ("),
    ],
    ids=["nothing", "a TLS alert", "half an answer", "SMTP"],
)
def test_the_peer_answers_otherwise_and_hangs_up(
    transport: Transport, play: Callable[[Scene], None], answer: bytes, words: str
) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async def scene() -> None:
        async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
            ear = Ear()
            transport.connect(Target("127.0.0.1", server.sockets[0].getsockname()[1], "/tts"), ear)
            kind, reason = await ear.next()
            assert kind == "failed"
            assert words in reason

    play(scene)


def test_between_the_end_of_what_comes_and_the_end_of_the_connection_nothing_leaves() -> None:
    """A gateway that was killed: its connection is over already, and nobody has been told yet."""

    async def scene() -> None:
        async with asyncio.timeout(DEADLINE_S), serving(echo) as target:
            connection, ear = await opened(PortableTransport(), target)
            assert isinstance(connection, PortableConnection)
            connection.eof_received()
            connection.send_text(b"x")
            connection.close()
            connection.connection_lost(None)
            assert await ear.next() == ("closed", 1006, "")
            connection.reset()

    asyncio.run(scene())


def test_closed_before_it_was_open(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        async with serving(echo) as target:
            ear = Ear()
            transport.connect(target, ear).close()
            assert await ear.next() == ("failed", "closed before it was open")
            await time_passes(transport, target)
            assert ear.heard.empty()

    play(scene)


def test_reset_before_it_was_open_says_nothing(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        async with serving(echo) as target:
            ear = Ear()
            transport.connect(target, ear).reset()
            await time_passes(transport, target)
            assert ear.heard.empty()

    play(scene)


# --- faults ---------------------------------------------------------------------------------------------------------


async def end_of(reader: asyncio.StreamReader) -> str:
    """How the peer of a plain socket went: "reset", or "closed" with a FIN."""
    try:
        while await reader.read(65536):
            pass
    except ConnectionResetError:
        return "reset"
    return "closed"


@contextlib.asynccontextmanager
async def raw_peer(ends: "asyncio.Queue[str]", *frames: bytes) -> AsyncIterator[Target]:
    """A server that shakes hands by hand and sends bytes of its own, so that it sees a reset as a reset."""
    from websockets.server import ServerProtocol

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
        (request,) = protocol.events_received()
        assert isinstance(request, Request)
        protocol.send_response(protocol.accept(request))
        for data in (*protocol.data_to_send(), *frames):
            writer.write(data)
        ends.put_nowait(await end_of(reader))
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield Target("127.0.0.1", server.sockets[0].getsockname()[1], "/tts")


def text_frame(size_bytes: int) -> bytes:
    return b"\x81\x7e" + size_bytes.to_bytes(2, "big") + b"x" * size_bytes


def test_reset_is_a_tcp_reset(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        ends: asyncio.Queue[str] = asyncio.Queue()
        async with raw_peer(ends) as target:
            connection, ear = await opened(transport, target)
            connection.reset()
            connection.reset()
            assert await ends.get() == "reset"
            assert ear.heard.empty()

    play(scene)


def test_reset_within_a_frame(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def on_request(peer: ServerConnection) -> None:
        await peer.recv()
        with contextlib.suppress(ConnectionClosedError):
            await peer.send("x" * 20_000)
            await peer.wait_closed()
        assert peer.close_code == 1006

    async def scene() -> None:
        async with serving(on_request) as target:
            connection, ear = await opened(transport, target)
            cut = asyncio.Event()
            connection.reset_within_frame(cut.set)
            connection.send_text(b"go")
            async with asyncio.timeout(10):
                await cut.wait()
            await time_passes_by_itself()
            assert ear.heard.empty()

    async def time_passes_by_itself() -> None:
        async with serving(echo) as other:
            await time_passes(transport, other)

    play(scene)


def test_a_whole_small_frame_is_let_through(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        async with serving(echo) as target:
            connection, ear = await opened(transport, target)
            connection.reset_within_frame(lambda: pytest.fail("nothing was to come"))
            connection.send_text(b"small")
            assert await ear.next() == ("text", b"small")

    play(scene)


def test_pause_and_resume(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        async with serving(echo) as target:
            connection, ear = await opened(transport, target)
            connection.pause_reading()
            connection.pause_reading()
            connection.send_text(b"while paused")
            await time_passes(transport, target)
            assert ear.heard.empty()
            connection.resume_reading()
            assert await ear.next() == ("text", b"while paused")

    play(scene)


def test_so_many_bytes_and_no_more(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        async with serving(echo) as target:
            connection, ear = await opened(transport, target)
            connection.read_at_most(0)
            connection.send_text(b"y" * 3000)
            for _ in range(2):
                connection.read_at_most(1000)
                await time_passes(transport, target)
                assert ear.heard.empty()
            connection.read_at_most(1004)
            assert await ear.next() == ("text", b"y" * 3000)
            connection.send_text(b"z")
            await time_passes(transport, target)
            assert ear.heard.empty()
            connection.resume_reading()
            assert await ear.next() == ("text", b"z")

    play(scene)


def test_silence_hides_even_the_close(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        ends: asyncio.Queue[str] = asyncio.Queue()
        async with raw_peer(ends, b"") as target, serving(echo) as other:
            connection, ear = await opened(transport, target)
            connection.fall_silent()
            connection.send_text(b"nobody hears this")
            connection.resume_reading()
            await time_passes(transport, other)
            assert ear.heard.empty()
            assert ends.empty()
            connection.reset()
            assert await ends.get() == "reset"

    play(scene)


def test_a_bounded_receive_buffer_stops_the_sender_early(transport: Transport, play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        taken: asyncio.Queue[int] = asyncio.Queue()

        async def pour(peer: ServerConnection) -> None:
            peer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)
            await peer.recv()
            peer.transport.set_write_buffer_limits(high=1 << 30)
            for _ in range(64):
                await peer.send("x" * 65_536)
            taken.put_nowait(64 * 65_536 - peer.transport.get_write_buffer_size())

        async with serving(pour) as target:
            connection, _ = await opened(transport, replace(target, receive_buffer_bytes=8192))
            connection.pause_reading()
            connection.send_text(b"go")
            assert await taken.get() < 1_000_000
            connection.reset()

    play(scene)


def test_an_error_of_ours_reaches_the_loop(transport: Transport) -> None:
    class Broken(Ear):
        def text_frame(self, frame: bytes) -> None:
            raise ZeroDivisionError("ours")

    async def scene() -> None:
        told: asyncio.Queue[Any] = asyncio.Queue()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.put_nowait(context["exception"]))
        async with asyncio.timeout(DEADLINE_S), serving(echo) as target:
            ear = Broken()
            connection = transport.connect(target, ear)
            assert await ear.next() == ("open",)
            connection.send_text(b"x")
            assert isinstance(await told.get(), ZeroDivisionError)
            connection.reset()

    with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
        runner.run(scene())


# --- the choice -----------------------------------------------------------------------------------------------------


def test_the_fast_one_is_the_default_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_transport().name == "picows"
    monkeypatch.setattr(choice, "find_spec", lambda module: None)
    assert choose_transport().name == "websockets"
    with pytest.raises(UsageError, match=r"pytest-wdtts\[fast\]"):
        choose_transport("picows")


def test_an_unknown_transport_is_refused_with_the_valid_names() -> None:
    with pytest.raises(UsageError, match=", ".join(TRANSPORTS)):
        choose_transport("carrier pigeon")
