"""Whatever a gateway sends, the client's machine turns it into evidence: it never raises, never hangs on."""

import json
from collections.abc import Callable
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_wdtts.protocol import AudioChunk, Malformed, StartAck, TtsEnd, decode_client, decode_server, encode
from pytest_wdtts.record import SessionRecord
from pytest_wdtts.session import ClientSession
from reference_gateway.wav import wav_header
from tests.builders import session_plan
from tests.fuzz.strategies import EXAMPLES, broken, json_values

ACK = encode(StartAck("s", "pcm16_wav", 16000, 1, 120.0, wav_header(16000, 1)))
CHUNK = encode(AudioChunk("s", 1, 0, 0, 2, "您好，", "pcm16_wav", 16000, 1, bytes(3 * 1280)))
END = encode(TtsEnd("s", 2, cancelled=False))

NAMES = sorted({name for frame in (ACK, CHUNK, END) for name in json.loads(frame)} | {"code", "message"})
KINDS = ("start_ack", "audio_chunk", "tts_end", "error", "pong")
large = st.integers() | st.sampled_from([2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**40])
good = st.sampled_from(
    [{"type": kind, "session_id": "s"} for kind in KINDS] + [json.loads(f) for f in (ACK, CHUNK, END)]
)
odd_messages = st.builds(
    lambda message, fields: json.dumps(message | fields).encode(),
    good,
    st.dictionaries(st.sampled_from(NAMES), json_values | large, max_size=4),
)


frames = st.binary(max_size=64) | odd_messages | broken(st.sampled_from((ACK, CHUNK, END)))
steps = st.lists(frames, max_size=12)


def machine() -> ClientSession:
    session = ClientSession(session_plan(), SessionRecord(session_plan()))
    session.opening(0)
    session.opened(1)
    return session


@settings(max_examples=2 * EXAMPLES)
@given(steps, st.booleans())
@example([b""], False)
@example([b"\xff"], True)
@example([b'{"type":"audio_chunk","session_id":"s","audio_base64":null}'], True)
@example([b"[" * 5000], False)
def test_received_never_raises(received: list[bytes], acked: bool) -> None:
    session = machine()
    if acked:
        session.received(ACK, 2)
    for now_ns, frame in enumerate(received, 3):
        answers = session.received(frame, now_ns)
        assert all(isinstance(answer, bytes) for answer in answers)
    session.closed(10**6, 1006)
    assert session.record.take_delta() is not None


@settings(max_examples=2 * EXAMPLES)
@given(frames)
def test_the_codec_raises_malformed_and_nothing_else(frame: bytes) -> None:
    decoders: list[Callable[[bytes], object]] = [decode_client, decode_server]
    for decode in decoders:
        with suppress(Malformed):
            decode(frame)
