"""Each rule of a message by hand; and that sound ones, of any engine, break none."""

import base64
import json
from typing import Any

import pytest

from pytest_wdtts.conformance.case import START
from pytest_wdtts.conformance.expected import Fields
from pytest_wdtts.conformance.watch import Watch
from tests.plain_v1_gateway import UNIT_PCM, wav_header

ASKED = START | {"session_id": "s"}
ACK: Fields = {
    **ASKED,
    "type": "start_ack",
    "ttl_s": 120,
    "wav_header_base64": base64.b64encode(wav_header(1)).decode(),
}


def chunk(text: str, first: int, place: int, pcm: bytes | None = None, **changes: object) -> Fields:
    sound = UNIT_PCM * len(text) if pcm is None else pcm
    return {
        **ASKED,
        "type": "audio_chunk",
        "seq": 0,
        "chunk_seq": place,
        "unit_index_start": first,
        "unit_index_end": first + len(text) - 1,
        "units_text": text,
        "audio_base64": base64.b64encode(sound).decode(),
    } | changes


END: Fields = {"type": "tts_end", "session_id": "s", "seq": 3, "cancelled": False}
SOUND = [ACK, chunk("ab，", 0, 7), chunk("😀。", 3, 8), END]


def heard(*messages: Fields, fresh: bool = True) -> Watch:
    watch = Watch(ASKED, fresh=fresh)
    for message in messages:
        watch.hear(json.dumps(message).encode())
    return watch


def test_sound_messages_break_no_rule() -> None:
    watch = heard(*SOUND)
    assert watch.faults == {}
    assert watch.understood == {"start_ack", "audio_chunk", "tts_end"}


def test_a_voice_may_be_silent_where_there_is_nothing_to_say() -> None:
    assert heard(ACK, chunk("，", 0, 0, pcm=b"")).faults == {}


def test_a_replay_may_begin_anywhere_and_goes_on_from_there() -> None:
    watch = heard(ACK, chunk("ab", 6, 3), fresh=False)
    watch.replay_asked()
    watch.hear(json.dumps(chunk("cd", 2, 1)).encode())
    assert watch.faults == {}
    watch.hear(json.dumps(chunk("ef", 8, 3)).encode())
    assert set(watch.faults) == {"order"}


@pytest.mark.parametrize(
    ("rule", "messages"),
    [
        ("fields", [ACK | {"ttl_s": "120"}]),
        ("fields", [ACK, {key: value for key, value in chunk("a", 0, 0).items() if key != "chunk_seq"}]),
        ("fields", [ACK, END | {"cancelled": None}]),
        ("session", [ACK, END | {"session_id": "t"}]),
        ("format", [ACK | {"channels": 2}]),
        ("format", [ACK, chunk("a", 0, 0, sample_rate=8000)]),
        ("header", [ACK | {"wav_header_base64": base64.b64encode(wav_header(2)).decode()}]),
        ("header", [ACK | {"wav_header_base64": ""}]),
        ("units", [ACK, chunk("a", 0, 0, unit_index_end=1)]),
        ("units", [ACK, chunk("\ud83d\ude00", 0, 0)]),
        ("order", [ACK, chunk("a", 1, 0)]),
        ("order", [ACK, chunk("a", 0, 0), chunk("b", 2, 1)]),
        ("order", [ACK, chunk("a", 0, 0), chunk("b", 1, 0)]),
        ("audio", [ACK, chunk("a", 0, 0, pcm=wav_header(1) + UNIT_PCM)]),
        ("audio", [ACK, chunk("a", 0, 0, pcm=b"\0")]),
        ("audio", [ACK, chunk("a", 0, 0, pcm=b"")]),
        ("audio", [ACK | {"unit_audio_ms": 40, "unit_tone": "wdtts.tone/1"}, chunk("a", 0, 0, pcm=UNIT_PCM[:-2])]),
        ("code", [ACK, {"type": "error", "session_id": "s", "seq": 0, "code": "oops", "message": "no"}]),
    ],
)
def test_each_rule_can_be_broken(rule: str, messages: list[dict[str, Any]]) -> None:
    assert rule in heard(*messages).faults


@pytest.mark.parametrize("channels", [0, -1, None, "1"])
def test_an_odd_start_that_is_granted_is_no_crash(channels: object) -> None:
    watch = Watch(ASKED, fresh=True)
    watch.asked = {"type": "start", "channels": channels}
    watch.hear(json.dumps(ACK | {"channels": channels}).encode())
    watch.hear(json.dumps(chunk("a", 0, 0)).encode())
    assert watch.faults
