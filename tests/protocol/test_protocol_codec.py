"""Every message both ways, every field's wrong types, and frames that are no message at all."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.protocol import (
    AudioChunk,
    Cancel,
    ClientMessage,
    Error,
    Malformed,
    Resume,
    ServerMessage,
    Start,
    StartAck,
    TextDelta,
    TextEnd,
    TtsEnd,
    decode_client,
    decode_server,
    encode,
)

# Written by hand from the contract, not by our encoder: field names and order are the wire's.
CLIENT: list[tuple[ClientMessage, dict[str, Any]]] = [
    (
        Start("s", "pcm16_wav", 16000, 1),
        {"type": "start", "session_id": "s", "audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1},
    ),
    (TextDelta("s", 3, "您好，"), {"type": "text_delta", "session_id": "s", "seq": 3, "text": "您好，"}),
    (TextEnd("s", 4), {"type": "text_end", "session_id": "s", "seq": 4}),
    (Cancel("s", 5), {"type": "cancel", "session_id": "s", "seq": 5}),
    (Resume("s", -1), {"type": "resume", "session_id": "s", "last_unit_index_received": -1}),
]
ACK = {
    "type": "start_ack",
    "session_id": "s",
    "audio_format": "pcm16_wav",
    "sample_rate": 16000,
    "channels": 1,
    "ttl_s": 120.0,
    "wav_header_base64": "UklGRg==",
}
CHUNK = {
    "type": "audio_chunk",
    "session_id": "s",
    "seq": 1,
    "chunk_seq": 0,
    "unit_index_start": 0,
    "unit_index_end": 2,
    "units_text": "您好，",
    "audio_format": "pcm16_wav",
    "sample_rate": 16000,
    "channels": 1,
    "audio_base64": "AAECAw==",
}
SERVER: list[tuple[ServerMessage, dict[str, Any]]] = [
    (StartAck("s", "pcm16_wav", 16000, 1, 120.0, b"RIFF"), ACK),
    (
        StartAck("s", "pcm16_wav", 16000, 1, 120.0, b"RIFF", resumed=True, units_accepted=7, text_ended=True),
        ACK | {"resumed": True, "units_accepted": 7, "text_ended": True},
    ),
    (AudioChunk("s", 1, 0, 0, 2, "您好，", "pcm16_wav", 16000, 1, b"\0\1\2\3"), CHUNK),
    (TtsEnd("s", 2, cancelled=True), {"type": "tts_end", "session_id": "s", "seq": 2, "cancelled": True}),
    (
        Error("s", 2, "backpressure", "too slow"),
        {"type": "error", "session_id": "s", "seq": 2, "code": "backpressure", "message": "too slow"},
    ),
]
BOTH = [(message, fields, decode_client) for message, fields in CLIENT] + [
    (message, fields, decode_server) for message, fields in SERVER
]
OPTIONAL = {"resumed", "units_accepted", "text_ended"}
# Each wrong for a field of that type; a bool is no int, and a number in quotes is none either.
WRONG: dict[type, list[Any]] = {
    str: [1, True, None, ["s"], {"s": 1}],
    int: ["1", True, None, 1.5, [1]],
    float: ["120", True, None],
    bool: [1, "true", None],
}


@pytest.mark.parametrize(("message", "fields", "decode"), BOTH)
def test_message_reads_and_writes_the_wire_form(message: Any, fields: dict[str, Any], decode: Any) -> None:
    assert decode(json.dumps(fields)) == message
    assert json.loads(encode(message)) == fields


@pytest.mark.parametrize(("message", "fields", "decode"), BOTH)
def test_unknown_fields_are_ignored(message: Any, fields: dict[str, Any], decode: Any) -> None:
    assert decode(json.dumps(fields | {"invented_later": {"deep": [1]}})) == message


FIELD_CASES = [
    (fields, name, wrong, decode)
    for _, fields, decode in BOTH
    for name, value in fields.items()
    for wrong in WRONG[type(value)]
    if not (name in ("units_accepted", "text_ended") and wrong is None)
]


@pytest.mark.parametrize(
    ("fields", "name", "wrong", "decode"), FIELD_CASES, ids=lambda v: str(v)[:20] if not callable(v) else ""
)
def test_wrong_type_is_malformed_and_names_the_field(
    fields: dict[str, Any], name: str, wrong: Any, decode: Any
) -> None:
    with pytest.raises(Malformed, match=name):
        decode(json.dumps(fields | {name: wrong}))


@pytest.mark.parametrize(
    ("fields", "name", "decode"),
    [(fields, name, decode) for _, fields, decode in BOTH for name in fields if name not in OPTIONAL],
)
def test_absent_field_is_malformed_and_named(fields: dict[str, Any], name: str, decode: Any) -> None:
    with pytest.raises(Malformed, match=name):
        decode(json.dumps({key: value for key, value in fields.items() if key != name}))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("session_id", ""),
        ("audio_format", "mp3"),
        ("sample_rate", 0),
        ("sample_rate", -16000),
        ("channels", 0),
        ("channels", 3),
    ],
)
def test_start_refuses_what_the_contract_does_not_have(name: str, wrong: Any) -> None:
    with pytest.raises(Malformed, match=name):
        decode_client(json.dumps(CLIENT[0][1] | {name: wrong}))


def test_empty_text_and_impossible_resume_are_refused() -> None:
    with pytest.raises(Malformed, match="text"):
        decode_client(json.dumps(CLIENT[1][1] | {"text": ""}))
    with pytest.raises(Malformed, match="last_unit_index_received"):
        decode_client(json.dumps(CLIENT[4][1] | {"last_unit_index_received": -2}))


@pytest.mark.parametrize("decode", [decode_client, decode_server])
@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"start"',
        b"{}",
        b'{"type": "sing"}',
        b'{"type": 1}',
        b"\xff\xfe",
        b'{"type": "text_delta", "session_id": "\xff"}',
        b'{"type": "text_end", "session_id": "s", "seq": NaN}',
        b'{"type": "text_end", "session_id": "s", "seq": 1e999}',
        b'{"type": "text_end", "session_id": "s", "seq": 1} trailing',
        b"[" * 100_000,
        b'{"type":' * 50_000,
    ],
    ids=lambda value: repr(value)[:24] if isinstance(value, bytes) else "",
)
def test_what_is_no_message_is_malformed_and_nothing_worse(decode: Any, frame: bytes) -> None:
    with pytest.raises(Malformed):
        decode(frame)


@given(st.binary(max_size=200))
def test_any_bytes_either_read_or_are_malformed(frame: bytes) -> None:
    for decode in (decode_client, decode_server):
        with contextlib.suppress(Malformed):
            decode(frame)


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=40), st.integers(-(2**63), 2**63 - 1))
def test_any_text_survives_the_wire_lone_surrogates_and_nul_included(text: str, seq: int) -> None:
    message = TextDelta("s", seq, text)
    frame = encode(message)
    frame.decode("utf-8")
    assert decode_client(frame) == message


@given(st.binary(max_size=100))
def test_any_audio_survives_the_wire(audio: bytes) -> None:
    chunk = AudioChunk("s", 0, 0, 0, 0, "a", "pcm16_wav", 16000, 1, audio)
    decoded = decode_server(encode(chunk))
    assert decoded == chunk


@pytest.mark.parametrize("audio", ["AAE", "AA=A", "?!", "AAECAw"])
def test_broken_base64_is_malformed(audio: str) -> None:
    with pytest.raises(Malformed, match="base64"):
        decode_server(json.dumps(CHUNK | {"audio_base64": audio}))


@pytest.mark.parametrize("name", ["chunk_seq", "unit_index_start", "unit_index_end"])
@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**40])
def test_numbers_that_no_record_can_hold_are_malformed(name: str, number: int) -> None:
    with pytest.raises(Malformed, match=name):
        decode_server(json.dumps(CHUNK | {name: number}))


def test_a_gateway_cannot_have_accepted_less_than_nothing() -> None:
    with pytest.raises(Malformed, match="units_accepted"):
        decode_server(json.dumps(ACK | {"units_accepted": -1}))


def test_messages_are_frozen() -> None:
    with pytest.raises(AttributeError):
        CLIENT[1][0].text = "x"  # type: ignore[union-attr, misc]
    assert all(msgspec.structs.fields(message) for message, _ in [*CLIENT, *SERVER])
