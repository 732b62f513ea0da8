"""A gateway by strangers, written from the contract alone: both its parts, and legal in unusual ways.

It renders into a list of chunks that only grows; a connection sends from a place in it, so that replay is a step back.
`tests.plain_v1_gateway` has part 1 with nothing around it; here are the defects that sessions have by their number.
"""

import asyncio
import base64
import json
import struct
import time
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random

import numpy as np
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.plain_v1_gateway import MARKS, RATE, Message

LIMIT_BYTES = 256 * 1024
FIELDS: dict[str, dict[str, type]] = {
    "start": {"session_id": str, "audio_format": str, "sample_rate": int, "channels": int},
    "text_delta": {"session_id": str, "seq": int, "text": str},
    "text_end": {"session_id": str, "seq": int},
    "cancel": {"session_id": str, "seq": int},
    "resume": {"session_id": str, "last_unit_index_received": int},
}


class Refusal(Exception):
    """What a client is told, and why."""

    def __init__(self, message: str, code: str = "bad_request") -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Speech:
    """One session over all its connections. `place` is the next chunk to send; `sent` the last unit that left."""

    defect: str
    channels: int
    accepted: int = 0
    pending: str = ""
    units: int = 0
    chunks: list[Message] = field(default_factory=list)
    orders: list[tuple[str, float]] = field(default_factory=list)
    place: int = 0
    sent: int = -1
    held: bool = False
    flushing: bool = False
    last_word: Message | None = None
    line: ServerConnection | None = None


@dataclass
class ForeignGateway:
    """Speaks part 2 unless `plain`; `odd` is legal all the same. `defects` is by the number of the session.

    All sessions have together: `stalls`, times in seconds from the first session, and for how long nobody is served
    then; `unit_s`, what a unit takes in an engine that speaks for one after the other; `creep_ms_per_s`, by how much a
    chunk takes longer with every second.
    """

    plain: bool = False
    odd: bool = False
    delay_s: tuple[float, float] = (0.01, 0.03)
    defects: Mapping[int, str] = field(default_factory=dict)
    stalls: Sequence[tuple[float, float]] = ()
    unit_s: float = 0.0
    creep_ms_per_s: float = 0.0
    began_s: float = 0.0
    free_s: float = 0.0
    speeches: dict[str, Speech] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(7))

    def answer_http(self, socket: ServerConnection, request: Request) -> Response | None:
        """Serve metrics and the health page: an engine under another name than it was asked for by."""
        if request.path.startswith("/tts"):
            return None
        if request.path == "/metrics":
            return socket.respond(HTTPStatus.OK, "# TYPE speeches gauge\nspeeches 1\n")
        if not request.path.startswith("/healthz"):
            return socket.respond(HTTPStatus.NOT_FOUND, "?")
        page = {
            "status": "ok",
            "engine": "神經語音",
            "engine_resolved": "神經語音@cuda:0",
            "version": "11-rc",
            "gpus": [{}],
        }
        return socket.respond(
            HTTPStatus.OK, json.dumps(page | {"started_at": "2026-01-01T08:00:00+08:00", "uptime_s": 1})
        )

    async def converse(self, socket: ServerConnection) -> None:
        """Carry one connection."""
        speech: Speech | None = None
        name, sender = "", None
        try:
            async for frame in socket:
                message = self.read(frame, name)
                if speech is None:
                    name = message["session_id"]
                    speech, known = self.begin(name, message)
                    speech.line = socket
                    await self.say(socket, name, self.ack(message, speech, known))
                    sender = asyncio.create_task(self.send_all(socket, name, speech))
                else:
                    self.take(speech, message)
        except Refusal as refusal:
            self.speeches.pop(name, None)
            if sender:
                sender.cancel()
            with suppress(ConnectionClosed):
                error = {"type": "error", "code": refusal.code, "message": str(refusal)}
                await self.say(socket, name, error)
                closing = asyncio.create_task(socket.close())
                async for _ in socket:
                    pass
                await closing
        except ConnectionClosed:
            pass

    def read(self, frame: str | bytes, session: str) -> Message:
        """Return a message that is what the contract calls one, and allowed now; `session` is "" before `start`."""
        if isinstance(frame, bytes) or len(frame.encode("utf-8", "surrogatepass")) > LIMIT_BYTES:
            raise Refusal("message is binary or too large")
        try:
            message = json.loads(frame)
            fields = FIELDS[message["type"]]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Refusal("message or its type is none of the contract's") from None
        for name, kind in fields.items():
            if type(message.get(name)) is not kind or message[name] == "":
                raise Refusal(f"{name} has to be {kind.__name__}")
        if (message["type"] == "start") is bool(session):
            raise Refusal(f"{message['type']} is not allowed now")
        if session not in ("", message["session_id"]):
            raise Refusal("session_id is another session's")
        return dict(message)

    def begin(self, name: str, start: Message) -> tuple[Speech, bool]:
        """Return the session and whether it was known: a plain gateway forgets one that has said its last word."""
        for wanted, good in (("audio_format", ["pcm16_wav"]), ("sample_rate", [RATE]), ("channels", [1, 2])):
            if start[wanted] not in good:
                raise Refusal(f"{wanted} has to be one of {good}")
        self.be_troubled()
        speech = self.speeches.get(name)
        if speech is not None and not (self.plain and speech.last_word):
            speech.held, old = True, speech.line
            if old is not None:
                asyncio.get_running_loop().create_task(old.close(1008, "superseded"))
            return speech, True
        number = name.removesuffix("r")[-5:]
        defect = self.defects.get(int(number), "") if number.isdigit() else ""
        speech = self.speeches[name] = Speech(defect, start["channels"])
        return speech, False

    def ack(self, start: Message, speech: Speech, known: bool) -> Message:
        """Answer a start."""
        rate, channels = RATE, speech.channels
        head = struct.pack("<4sI4s4sIHHI", b"RIFF", 36, b"WAVE", b"fmt ", 16, 1, channels, rate)
        head += struct.pack("<IHH4sI", rate * channels * 2, channels * 2, 16, b"data", 0)
        told = {key: start[key] for key in ("audio_format", "sample_rate")} | {"channels": channels}
        told |= {"type": "start_ack", "ttl_s": 120, "wav_header_base64": base64.b64encode(head).decode()}
        return told | ({"resumed": True, "units_accepted": speech.accepted} if known and not self.plain else {})

    def take(self, speech: Speech, message: Message) -> None:
        """Take what a client says once its session stands."""
        match message["type"]:
            case "resume":
                last = message["last_unit_index_received"]
                if not speech.held:
                    raise Refusal("nothing to resume", "resume_not_available")
                if not -1 <= last <= speech.sent:
                    raise Refusal("last_unit_index_received is beyond what was sent")
                last -= speech.defect == "resume_repeats"
                if speech.defect != "resume_skips":
                    speech.place = sum(chunk["unit_index_end"] <= last for chunk in speech.chunks)
            case _ if speech.last_word:
                pass  # It is over: nothing that crosses the last word changes it.
            case "cancel":
                del speech.chunks[speech.place :]
                speech.orders.clear()
                if speech.defect == "audio_after_cancel":
                    speech.pending = speech.pending or "字"
                    self.order(speech)
                speech.last_word = {"type": "tts_end", "cancelled": speech.defect != "cancel_denied"}
            case _ if speech.flushing:
                raise Refusal(f"{message['type']} while flushing")
            case "text_delta":
                speech.accepted += len(message["text"])
                for unit in message["text"]:
                    speech.pending += unit
                    if unit in MARKS or len(speech.pending) == 24:
                        self.order(speech)
            case "text_end":
                speech.flushing = True
                if speech.defect == "end_early":
                    speech.chunks.append({"type": "tts_end", "cancelled": False, "unit_index_end": -1})
                if speech.defect != "tail_lost":
                    self.order(speech)
                speech.orders.append(("", 0.0))
        speech.held = False

    def be_troubled(self) -> None:
        """From the first session on time counts for what troubles all."""
        if not self.began_s:
            self.began_s = time.monotonic()
            for at_s, length_s in self.stalls:
                asyncio.get_running_loop().call_later(at_s, time.sleep, length_s)

    def order(self, speech: Speech) -> None:
        """Let the engine speak what is pending: a pipeline that delays, and does not queue but for `unit_s`."""
        text, speech.pending = speech.pending, ""
        if text:
            now_s = time.monotonic()
            self.free_s = max(self.free_s, now_s) + len(text) * self.unit_s
            delay_s = self.random.uniform(*self.delay_s) + self.creep_ms_per_s / 1000 * (now_s - self.began_s)
            speech.orders.append((text, self.free_s + delay_s))

    def render(self, speech: Speech, text: str) -> Message:
        """Make a chunk of a text, wrong in the way of the session's defect."""
        defect, width = speech.defect, len(text)
        if defect == "text_normalised":
            text = unicodedata.normalize("NFKC", text)
        if defect == "counts_utf16":
            width = len(text.encode("utf-16-le")) // 2
        samples = width * RATE * (60 if self.odd else 40) // 1000
        wave = np.random.default_rng(3).integers(-9000, 9000, samples) * (defect != "silent")
        pcm = bytes(np.repeat(wave.astype("<i2"), speech.channels).tobytes())
        pcm = {"header_in_chunk": b"RIFF" + bytes(40) + pcm, "odd_bytes": pcm[1:]}.get(defect, pcm)
        first, speech.units = speech.units, speech.units + width
        return {
            "type": "audio_chunk",
            "chunk_seq": len(speech.chunks) * (2 if defect == "seq_gap" else 1) + 7 * self.odd,
            "unit_index_start": first,
            "unit_index_end": speech.units - 1,
            "units_text": text,
            "audio_format": "pcm16_wav",
            "sample_rate": RATE,
            "channels": speech.channels,
            "audio_base64": base64.b64encode(pcm).decode(),
        }

    async def send_all(self, socket: ServerConnection, name: str, speech: Speech) -> None:
        """Send what is due while this is the session's connection, and the last word after it."""
        with suppress(ConnectionClosed):
            while speech.line is socket:
                while speech.orders and speech.orders[0][1] <= time.monotonic():
                    text, _ = speech.orders.pop(0)
                    if text:
                        speech.chunks.append(self.render(speech, text))
                    else:
                        speech.last_word = speech.last_word or {"type": "tts_end", "cancelled": False}
                if not speech.held and speech.place < len(speech.chunks):
                    chunk = speech.chunks[speech.place]
                    speech.place, speech.sent = speech.place + 1, max(speech.sent, chunk["unit_index_end"])
                    await self.say(socket, name, chunk)
                elif not speech.held and speech.last_word and not speech.orders:
                    if speech.defect != "end_missing":
                        await self.say(socket, name, speech.last_word)
                    await socket.close()
                    return
                else:
                    await asyncio.sleep(0.005)

    async def say(self, socket: ServerConnection, name: str, message: Message) -> None:
        """Send a message; in odd ways in fragments, with fields nobody knows, and after a ping."""
        message = message | {"session_id": name, "seq": 0}
        if not self.odd:
            await socket.send(json.dumps(message))
            return
        text = json.dumps({"x_trace": [1, None, {"lane": "字"}], "text": "", "audio": None} | message, indent=1)
        await socket.ping()
        await socket.send([text[:9], text[9:40], text[40:]])
