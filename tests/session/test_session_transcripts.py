"""The golden transcripts from the client's side: the server's lines go in, the client's words must come out.

Our client types one unit a message where a transcript may send several, so the words are compared, not the frames.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_wdtts.record import EventKind
from pytest_wdtts.session import Phase
from reference_gateway.wav import wav_header
from tests.builders import session_plan
from tests.session.test_session_machine import Talk

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"
Line = dict[str, Any]


def read(name: str) -> list[Line]:
    return [json.loads(line) for line in (TRANSCRIPTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def typed(line: Line) -> Line:
    """A raw frame that is a good message after all is one for our client too."""
    return {"client": json.loads(line["client_raw"])} if "client_raw" in line else line


class Server:
    """Fills in what a transcript leaves to the server."""

    def __init__(self, start: Line) -> None:
        self.session_id, self.channels = start["session_id"], start["channels"]
        self.position = self.chunk_seq = 0

    def whole(self, wanted: Line) -> Line:
        message = {"session_id": self.session_id, "seq": 0} | {k: v for k, v in wanted.items() if v is not None}
        if message["type"] == "start_ack":
            header = base64.b64encode(wav_header(16000, self.channels)).decode()
            return self._format() | {"ttl_s": 120.0, "wav_header_base64": header} | message
        if message["type"] == "audio_chunk":
            start = message.get("unit_index_start", self.position)
            self.position = start + len(message["units_text"])
            message = {
                "chunk_seq": self.chunk_seq,
                "unit_index_start": start,
                "unit_index_end": self.position - 1,
            } | message
            self.chunk_seq = message["chunk_seq"] + 1
            pcm = b"\0\x10" * 640 * len(message["units_text"]) * self.channels
            return self._format() | message | {"audio_base64": base64.b64encode(pcm).decode()}
        return message

    def _format(self) -> Line:
        return {"audio_format": "pcm16_wav", "sample_rate": 16000, "channels": self.channels}


def lost_in_the_cut(line: Line, rest: list[Line]) -> bool:
    """Whether a chunk before a cut is one that the transcript's client says it has not received."""
    if not any("client_cut" in later for later in rest):
        return False
    last = next(m["client"]["last_unit_index_received"] for m in rest if m.get("client", {}).get("type") == "resume")
    return bool(line["unit_index_end"] > last)


def say(talk: Talk, wanted: Line) -> None:
    """Let the machine speak as far as the transcript's line goes; it must say the same."""
    if wanted["type"] == "cancel":
        assert [m["type"] for m in talk.take(talk.machine.cancel(talk.clock.now_ns()))] == ["cancel"]
        talk.heard = len(talk.out)
        return
    while len(talk.out) == talk.heard or len("".join(m.get("text", "") for m in talk.out[talk.heard :])) < len(
        wanted.get("text", "")
    ):
        due_ns = talk.machine.due_ns()
        assert due_ns is not None, f"the client has nothing to say, expected {wanted}"
        talk.clock.advance(max(0, due_ns - talk.clock.now_ns()))
        talk.take(talk.machine.send_due(talk.clock.now_ns()))
        if talk.machine.next_unit == len(talk.plan.text) and talk.out[-1]["type"] == "text_end":
            break
    said, talk.heard = talk.out[talk.heard :], len(talk.out)
    if said and said[-1]["type"] == "text_end" and wanted["type"] != "text_end":
        said, talk.heard = said[:-1], talk.heard - 1
    assert {m["type"] for m in said} == {wanted["type"]}
    assert "".join(m.get("text", "") for m in said) == wanted.get("text", "")
    for name in ("session_id", "last_unit_index_received", "sample_rate", "channels"):
        if name in wanted:
            assert said[0][name] == wanted[name]


@pytest.mark.parametrize("name", ["plain_speech", "flush_at_24", "cancel", "cut_and_resume"])
def test_the_client_holds_its_side_of_the_conversation(name: str) -> None:
    lines = [typed(line) for line in read(name)]
    words = [line["client"] for line in lines if "client" in line]
    server = Server(words[0])
    text = "".join(word.get("text", "") for word in words)
    plan = session_plan(text + ("more" if name == "cancel" else ""), words[0]["session_id"])
    talk = Talk(plan, channels=server.channels)
    talk.open()
    for number, line in enumerate(lines):
        match line:
            case {"client": wanted}:
                say(talk, wanted)
            case {"server": wanted}:
                message = server.whole(wanted)
                if message["type"] != "audio_chunk" or not lost_in_the_cut(message, lines[number + 1 :]):
                    talk.hear(json.dumps(message).encode())
            case {"client_cut": True}:
                assert talk.machine.cut(talk.clock.now_ns(), "reset", resume=True)
            case {"client_open": True}:
                talk.open()
            case {"server_close": code}:
                talk.machine.closed(talk.clock.now_ns(), code)
    assert talk.machine.phase is Phase.ENDED
    assert talk.heard == len(talk.out)
    wrong = {EventKind.VIOLATION, EventKind.END_VIOLATION, EventKind.FAILED, EventKind.ERROR}
    assert not wrong & set(talk.kinds())
    assert not talk.record.wrong_text
    if name != "cancel":
        assert (
            "".join(text[a : b + 1] for a, b in zip(talk.record.chunk_start, talk.record.chunk_end, strict=True))
            == text
        )


REFUSALS = [
    (path.stem, line["server"])
    for path in sorted(TRANSCRIPTS.glob("*.jsonl"))
    for line in read(path.stem)
    if line.get("server", {}).get("type") == "error"
]


@pytest.mark.parametrize(("name", "wanted"), REFUSALS, ids=[name for name, _ in REFUSALS])
def test_every_refusal_is_understood(name: str, wanted: Line) -> None:
    talk = Talk(session_plan("字", wanted.get("session_id") or "s")).open()
    fields = {"seq": 0, "session_id": ""} | wanted | {"message": "why"}
    talk.hear(json.dumps(fields).encode())
    assert talk.record.error_code == wanted["code"]
    assert talk.machine.phase is Phase.CLOSING
