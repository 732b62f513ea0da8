"""A gateway that costs a fraction of the reference one, to load a client with more sessions than that can carry.

It speaks v1 to well-behaved clients only: real chunks by v1's flush rule, with the dummy engine's tones, and no
cache window, no resume, no validation, no defects. Prints where it listens, as the reference gateway does.
"""

import argparse
import asyncio
import contextlib
import sys

import picows
import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)

from pytest_wdtts.protocol import (
    AudioChunk,
    Start,
    StartAck,
    TextDelta,
    TextEnd,
    TtsEnd,
    decode_client,
    encode,
    split_chunks,
)
from pytest_wdtts.stack import EmbeddedStack
from reference_gateway.engines.dummy import Dummy
from reference_gateway.wav import wav_header

UNIT_AUDIO_MS = 40
BACKLOG = 4096
HEALTH = b'{"status": "ok", "engine": "dummy", "engine_resolved": "dummy", "version": "lean"}'


class Speaker(WSListener):
    """One session: pending text in, chunks out in the same turn."""

    def __init__(self, engine: Dummy) -> None:
        self._engine = engine
        self._wire: WSTransport
        self._start: Start
        self._pending = ""
        self._units = 0
        self._chunks = 0
        self._said = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Picows: the handshake is done."""
        self._wire = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Picows: one frame."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            self._take(frame.get_payload_as_bytes())

    def _take(self, payload: bytes) -> None:
        match decode_client(payload):
            case TextDelta(text=text):
                self._pending += text
                for chunk in split_chunks(self._pending):
                    self._speak(chunk)
            case Start() as start:
                self._start = start
                self._acknowledge()
            case TextEnd():
                if self._pending:
                    self._speak(self._pending)
                self._say(encode(TtsEnd(self._start.session_id, self._said, cancelled=False)))
                self._wire.send_close(picows.WSCloseCode.OK)

    def _acknowledge(self) -> None:
        start, header = self._start, wav_header(self._start.sample_rate, self._start.channels)
        form = (start.session_id, start.audio_format, start.sample_rate, start.channels)
        tone, unit_audio_ms = self._engine.unit_tone, UNIT_AUDIO_MS
        self._say(encode(StartAck(*form, 120.0, header, unit_tone=tone, unit_audio_ms=unit_audio_ms)))

    def _speak(self, text: str) -> None:
        start = self._start
        pcm = self._engine.tones(text, self._units, start.channels)
        span = (self._chunks, self._units, self._units + len(text) - 1, text)
        form = (start.audio_format, start.sample_rate, start.channels)
        self._say(encode(AudioChunk(start.session_id, self._said, *span, *form, pcm)))
        self._pending = self._pending[len(text) :]
        self._units += len(text)
        self._chunks += 1

    def _say(self, frame: bytes) -> None:
        self._said += 1
        self._wire.send(WSMsgType.TEXT, frame)


async def serve(host: str, port: int, end_with_stdin: bool) -> None:
    """Listen until ended."""
    engine = Dummy(UNIT_AUDIO_MS)
    health = WSUpgradeResponse.create_ok_response(HEALTH)

    def answer(request: WSUpgradeRequest) -> Speaker | WSUpgradeResponseWithListener:
        return Speaker(engine) if request.path == b"/tts" else WSUpgradeResponseWithListener(health, None)

    server = await picows.ws_create_server(answer, host, port, backlog=BACKLOG, websocket_handshake_timeout=30)
    print(f"benchmarks.lean_gateway listening on ws://{host}:{server.sockets[0].getsockname()[1]}/tts", flush=True)
    if end_with_stdin:
        await asyncio.to_thread(sys.stdin.read)
    else:
        await server.serve_forever()


class LeanStack(EmbeddedStack):
    """The lean gateway as a child process."""

    program = "benchmarks.lean_gateway"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog=LeanStack.program, description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(options.host, options.port, options.end_with_stdin))
