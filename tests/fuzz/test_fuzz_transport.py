"""Whatever bytes follow a good handshake, a transport tells its listener the end and fails nowhere else."""

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_wdtts.conformance.wire import Opcode, frame_bytes
from pytest_wdtts.transport import Target, Transport, choose_transport
from tests.fuzz.strategies import EXAMPLES, broken

LIMIT_S = 20.0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

opcodes = st.sampled_from([Opcode.TEXT] * 5 + list(Opcode))
payloads = st.binary(max_size=20) | st.sampled_from(
    [b"", b'{"type":"pong"}', b"\x03\xe8bye", b"x" * 126, b"x" * 70_000]
)
server_frames = st.builds(
    lambda payload, opcode, fin, rsv, mask: frame_bytes(payload, opcode, fin=fin, rsv=rsv, mask=mask),
    payloads,
    opcodes,
    st.sampled_from([True, True, True, False]),
    st.sampled_from([0, 0, 0, 1, 4]),
    st.sampled_from([False, False, False, True]),
)
streams = broken(st.lists(server_frames, max_size=8).map(b"".join)) | st.binary(max_size=64)


@dataclass
class Ear:
    """Counts what it hears; `over` is set at the end."""

    opened: int = 0
    ends: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def connection_open(self) -> None:
        self.opened += 1

    def text_frame(self, frame: bytes) -> None:
        assert isinstance(frame, bytes)

    def binary_frame(self, size_bytes: int) -> None:
        assert size_bytes >= 0

    def connection_closed(self, code: int, reason: str) -> None:
        self.ends.append(f"closed {code} {reason}")
        self.over.set()

    def connection_failed(self, reason: str) -> None:
        self.ends.append(f"failed {reason}")
        self.over.set()


class Babbler:
    """Shakes hands as it should, then sends what it is told to, then hangs up."""

    def __init__(self) -> None:
        self.words = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(
            line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + self.words
        )
        writer.write_eof()
        while await reader.read(65536):
            pass
        writer.close()


@dataclass
class Stage:
    """One transport on the loop that it prefers, and a peer that babbles."""

    transport: Transport
    runner: asyncio.Runner
    failures: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, words: bytes) -> Ear:
        return self.runner.run(self._hear(words))

    async def _hear(self, words: bytes) -> Ear:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.failures.append(context))
        ear, babbler = Ear(), Babbler()
        babbler.words = words
        async with await asyncio.start_server(babbler.serve, "127.0.0.1", 0) as server:
            target = Target("127.0.0.1", server.sockets[0].getsockname()[1], "/tts")
            connection = self.transport.connect(target, ear)
            try:
                async with asyncio.timeout(LIMIT_S):
                    await ear.over.wait()
            finally:
                connection.reset()
        return ear


@pytest.fixture(scope="module", params=["picows", "websockets"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    transport = choose_transport(request.param)
    with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
        yield Stage(transport, runner)


@settings(max_examples=2 * EXAMPLES)
@given(streams)
@example(b"")
@example(b"\x81\x7f" + b"\xff" * 8)
@example(b"\x88\x01\x03")
@example(frame_bytes(b"\xff\xfe", Opcode.TEXT, mask=False))
@example(frame_bytes(b"", Opcode.CONTINUATION, mask=False))
def test_any_bytes_end_in_one_word_to_the_listener(stage: Stage, words: bytes) -> None:
    ear = stage.hear(words)
    assert ear.opened == 1
    assert len(ear.ends) == 1
    assert stage.failures == []
