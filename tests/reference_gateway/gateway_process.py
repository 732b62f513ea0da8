"""A gateway as a child process, an independent client, and an independent reader of the tone."""

import asyncio
import base64
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

Message = dict[str, Any]
DEADLINE_S = 20


class GatewayProcess:
    """A running gateway; `url` is that of `/tts`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: IO[bytes] | None = None) -> None:
        self.process = process
        self.url = url
        self.http = url.replace("ws:", "http:").removesuffix("/tts")
        self._log = log

    def log(self) -> str:
        """What it wrote on standard error so far."""
        assert self._log is not None
        self._log.seek(0)
        return self._log.read().decode()

    def signal(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def exit_code(self) -> int:
        async with asyncio.timeout(DEADLINE_S):
            return await self.process.wait()


@asynccontextmanager
async def gateway(**settings: object) -> AsyncIterator[GatewayProcess]:
    """Run a gateway on a free port; keyword `stall_s` sets `WS_TTS_STALL_S` and so on."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WS_TTS_")}
    given = {f"WS_TTS_{name.upper()}": str(value) for name, value in settings.items()}
    environment = inherited | {"WS_TTS_HOST": "127.0.0.1", "WS_TTS_PORT": "0"} | given
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "reference_gateway", env=environment, stdout=asyncio.subprocess.PIPE, stderr=log
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(DEADLINE_S):
                line = (await process.stdout.readline()).decode()
            assert line.startswith("reference_gateway listening on ws://"), line
            yield GatewayProcess(process, line.split()[-1], log)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            log.seek(0)
            sys.stderr.write(log.read().decode())


class Client:
    """One connection, spoken to in plain dictionaries."""

    def __init__(self, socket: ClientConnection, session_id: str) -> None:
        self.socket = socket
        self.session_id = session_id
        self._seq = 0

    async def say(self, kind: str, **fields: object) -> None:
        message = {"type": kind, "session_id": self.session_id, "seq": self._seq} | fields
        self._seq += 1
        await self.socket.send(json.dumps(message))

    async def start(self, **fields: object) -> Message:
        """Send `start` and return the answer."""
        form = {"audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1}
        await self.say("start", **(form | fields))
        return await self.hear()

    async def hear(self) -> Message:
        async with asyncio.timeout(DEADLINE_S):
            message: Message = json.loads(await self.socket.recv())
        return message

    async def hear_out(self) -> list[Message]:
        """Return everything until the gateway closes."""
        async with asyncio.timeout(DEADLINE_S):
            return [json.loads(frame) async for frame in self.socket]

    async def hear_until(self, kind: str) -> Message:
        while (message := await self.hear())["type"] != kind:
            pass
        return message

    async def cut(self) -> None:
        """Reset the connection without a word."""
        self.socket.transport.abort()
        await self.socket.wait_closed()


@asynccontextmanager
async def client(gateway: GatewayProcess, session_id: str = "s", **options: Any) -> AsyncIterator[Client]:
    async with connect(gateway.url, compression=None, max_size=None, **options) as socket:
        yield Client(socket, session_id)


def units_in_tone(chunk: Message, unit_audio_ms: int = 40) -> str:
    """Return the text that the audio itself spells, and check each unit's index on the way.

    Written from the layout's description alone: the loudest of each band's sixteen frequencies is a digit.
    """
    pcm = np.frombuffer(base64.b64decode(chunk["audio_base64"]), "<i2").reshape(-1, chunk["channels"])
    assert (pcm == pcm[:, :1]).all()
    units = pcm[:, 0].reshape(-1, 16 * unit_audio_ms)
    for start in range(0, units.shape[1], 640):
        assert (units[:, start : start + 640] == units[:, :640]).all()
    spectrum = np.abs(np.fft.rfft(units[:, :640]))
    digits = spectrum[:, 16 : 16 + 96].reshape(-1, 6, 16).argmax(axis=2)
    words = [int("".join(f"{digit:x}" for digit in row), 16) for row in digits]
    first = chunk["unit_index_start"]
    assert [word >> 21 for word in words] == [(first + i) % 8 for i in range(len(words))]
    return "".join(chr(word & 0x1FFFFF) for word in words)
