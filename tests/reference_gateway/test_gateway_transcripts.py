"""The golden transcripts, played by an independent client against a gateway process."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from tests.reference_gateway.gateway_process import DEADLINE_S, GatewayProcess, Message, gateway

TRANSCRIPTS = sorted((Path(__file__).parent.parent / "transcripts").glob("*.jsonl"))


@pytest_asyncio.fixture
async def plain() -> AsyncIterator[GatewayProcess]:
    async with gateway() as running:
        yield running


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check(message: Message, wanted: Message) -> None:
    for name, value in wanted.items():
        seen: Any = message.get(name)
        match value:
            case {"pcm_ms": milliseconds}:
                frame_bytes = 2 * message["channels"]
                expected_bytes = milliseconds * message["sample_rate"] * frame_bytes // 1000
                assert len(base64.b64decode(seen, validate=True)) == expected_bytes, name
            case {"contains": part}:
                assert part in seen, name
            case None:
                assert name not in message
            case _:
                assert (seen, type(seen)) == (value, type(value)), name


async def play(lines: list[dict[str, Any]], url: str) -> None:
    socket = await connect(url)
    for line in lines:
        match line:
            case {"client": message}:
                await socket.send(json.dumps(message))
            case {"client_raw": frame}:
                await socket.send(frame)
            case {"client_binary": frame}:
                await socket.send(frame.encode())
            case {"client_cut": True}:
                socket.transport.abort()
                await socket.wait_closed()
            case {"client_open": True}:
                socket = await connect(url)
            case {"server": wanted}:
                check(json.loads(await socket.recv()), wanted)
            case {"server_close": code}:
                assert [frame async for frame in socket] == []
                assert socket.close_code == code
            case {"note": _}:
                pass
            case _:
                raise AssertionError(f"no line of a transcript: {line}")
    await socket.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_the_gateway_keeps_to_the_transcript(path: Path, plain: GatewayProcess) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await play(read(path), plain.url)
