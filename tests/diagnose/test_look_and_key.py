"""The look at an idle gateway raises nothing, and the key of its URL goes into no evidence."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_wdtts.attribution import Look
from pytest_wdtts.diagnose import DiagnosisOrder, carry_out_diagnosis
from pytest_wdtts.diagnose.look import _health_ms
from pytest_wdtts.gate import Order
from pytest_wdtts.stack import Gateway
from pytest_wdtts.transport import Target

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000


@pytest.mark.asyncio
@pytest.mark.parametrize(("answer", "seen"), [(WHOLE, True), (CHUNKED, False), (ENDLESS_HEAD, False), (b"", False)])
async def test_a_health_page_of_any_shape_is_timed_or_left_out(answer: bytes, seen: bool) -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(EOFError, ConnectionError):
            while answer and await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
        writer.transport.abort()
        gone.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await _health_ms(Target("127.0.0.1", port, "/tts")) is not None) is seen
        async with asyncio.timeout(10):
            await gone.wait()


def test_a_key_in_the_url_goes_into_no_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Live:
        def __init__(self, order: Order) -> None:
            self.gateway = Gateway("ws://127.0.0.1:9/tts?api_key=s3cret")
            self.stack = SimpleNamespace(name="external")

        def __enter__(self) -> "Live":
            return self

        def __exit__(self, *error: Any) -> None: ...

    module = carry_out_diagnosis.__module__
    monkeypatch.setattr(f"{module}.LiveGateway", Live)
    monkeypatch.setattr(f"{module}._drive_all", lambda *given: ([], "nothing was tried"))
    monkeypatch.setattr(f"{module}.look", lambda *given: Look())
    asked = DiagnosisOrder(order=Order(scenario="diagnosis", report_dir=str(tmp_path)))
    assert carry_out_diagnosis(asked).head.url == "ws://127.0.0.1:9/tts"
    assert all("s3cret" not in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
