"""Whatever a client sends, the gateway's rim answers by the contract: no crash, no `internal_error`, no growth."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_wdtts.conformance.wire import Opcode, RawWire, frame_bytes
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import http_origin, parse_target
from tests.fuzz.strategies import EXAMPLES, broken, json_values

LIMIT_S = 20
QUIET_S = 0.3
"""After so long without a frame no more is waited for: at worst a busy machine hides what else would have come."""
ALLOWED_CODES = {"bad_request", "resume_not_available"}
GROWTH_MIB = 48

GOOD: dict[str, dict[str, Any]] = {
    "start": {"session_id": "f", "audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1},
    "text_delta": {"session_id": "f", "seq": 0, "text": "您好，a"},
    "text_end": {"session_id": "f", "seq": 1},
    "cancel": {"session_id": "f", "seq": 1},
    "resume": {"session_id": "f", "last_unit_index_received": -1},
}
NAMES = sorted({name for fields in GOOD.values() for name in fields})
good = st.sampled_from(sorted(GOOD)).map(lambda kind: {"type": kind} | GOOD[kind])
odd = st.builds(lambda message, fields: message | fields, good, st.dictionaries(st.sampled_from(NAMES), json_values))
payloads = (good | odd).map(lambda message: json.dumps(message).encode()) | st.binary(max_size=40)
opcodes = st.sampled_from([Opcode.TEXT] * 6 + [Opcode.BINARY, Opcode.CONTINUATION, Opcode.PING, Opcode.PONG])
START = b'{"type":"start","session_id":"f","audio_format":"pcm16_wav","sample_rate":16000,"channels":1}'
DELTA = '{"type":"text_delta","session_id":"f","seq":0,"text":"您好，a"}'.encode()
beginnings = st.sampled_from([[], [START], [START], [START, DELTA]]).map(
    lambda frames: [(frame, int(Opcode.TEXT), True, 0) for frame in frames]
)
"""Most talks have to get past `start`, else nothing behind it is ever reached."""
wire_frames = st.tuples(payloads, opcodes, st.sampled_from([True, True, True, False]), st.sampled_from([0, 0, 0, 1, 4]))

talks = st.builds(lambda begun, then: begun + then, beginnings, st.lists(wire_frames, max_size=12))
streams = talks.map(lambda data: b"".join(frame_bytes(p, op, fin=fin, rsv=rsv) for p, op, fin, rsv in data))


class Rim:
    """A running gateway with the loop that talks to it."""

    def __init__(self, url: str, pid: int) -> None:
        self.target = parse_target(url)
        self.origin = http_origin(url)
        self.process = psutil.Process(pid)
        self._runner = asyncio.Runner()

    def do(self, work: "Coroutine[Any, Any, list[dict[str, Any]]]") -> list[dict[str, Any]]:
        async def within() -> list[dict[str, Any]]:
            async with asyncio.timeout(LIMIT_S):
                return await work

        return self._runner.run(within())

    def close(self) -> None:
        self._runner.close()


@pytest.fixture(scope="module")
def rim() -> Iterator[Rim]:
    stack = EmbeddedStack({"WS_TTS_TTL_S": "0.2", "WS_TTS_CLOSE_GRACE_S": "0.5", "WS_TTS_START_TIMEOUT_S": "1"})
    gateway = stack.start()
    running = Rim(gateway.url, stack.pids()[0])
    first = running.process.memory_info().rss
    yield running
    try:
        assert httpx.get(f"{running.origin}/healthz", trust_env=False).json()["status"] == "ok"
        assert running.process.memory_info().rss - first < GROWTH_MIB * 2**20
        assert [line for line in stack.last_words() if "Traceback" in line or "Error" in line] == []
    finally:
        running.close()
        stack.stop()


async def talk(rim: Rim, data: list[tuple[bytes, int, bool, int]], raw: bytes) -> list[dict[str, Any]]:
    """Send frames, then bytes that need not be any, then a close; return the messages that came."""
    wire = await RawWire.open(rim.target)
    for payload, opcode, fin, rsv in data:
        wire.send(payload, opcode, fin=fin, rsv=rsv)
    wire.send_bytes(raw)
    wire.send(b"", Opcode.CLOSE)
    heard: list[dict[str, Any]] = []
    try:
        while (frame := await asyncio.wait_for(wire.receive(), QUIET_S)).opcode != Opcode.CLOSE:
            if frame.opcode == Opcode.TEXT:
                heard.append(json.loads(frame.payload))
    except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        pass  # Bytes that broke off inside a frame: the gateway may wait for the rest of it.
    wire.drop()
    return heard


def judge(heard: list[dict[str, Any]]) -> None:
    errors = [message for message in heard if message["type"] == "error"]
    assert len(errors) <= 1
    assert {error["code"] for error in errors} <= ALLOWED_CODES
    ends = [place for place, message in enumerate(heard) if message["type"] in ("error", "tts_end")]
    assert ends in ([], [len(heard) - 1])


@settings(max_examples=EXAMPLES)
@given(talks)
@example(
    [(json.dumps({"type": "start"} | GOOD["start"]).encode(), Opcode.TEXT, True, 0), (b"\xff", Opcode.TEXT, True, 0)]
)
@example(
    [
        (
            b'{"type":"start","session_id":"\\ud800","audio_format":"pcm16_wav","sample_rate":16000,"channels":1}',
            1,
            True,
            0,
        )
    ]
)
@example([(b"[" * 20000, Opcode.TEXT, True, 0)])
def test_no_frame_is_an_internal_error(rim: Rim, data: list[tuple[bytes, int, bool, int]]) -> None:
    judge(rim.do(talk(rim, data, b"")))


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=64) | broken(streams))
@example(b"\x81\xff" + b"\xff" * 8)
@example(b"\x00\x00\x00")
def test_no_bytes_break_the_gateway(rim: Rim, raw: bytes) -> None:
    judge(rim.do(talk(rim, [], raw)))


def test_nothing_of_all_this_is_left(rim: Rim) -> None:
    async def until_empty() -> list[dict[str, Any]]:
        async with httpx.AsyncClient(trust_env=False) as http:
            while (await http.get(f"{rim.origin}/healthz")).json()["sessions_live"]:
                pass
        return []

    assert rim.do(until_empty()) == []
