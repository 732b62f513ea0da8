"""What is no message at all, sizes, fragments, and the control frames of RFC 6455."""

import json
from collections.abc import Iterator

from ..case import BEGUN, PAD, SESSION, TEXT_END, Case, Hear, Raw, Step, close_frame, delta, frames, say
from ..expected import Closed, Either, Ends, Expected, Refused
from ..wire import Opcode

MESSAGE_LIMIT_BYTES = 1024 * 1024
"""The reference gateway's. The contract gives no number: one with another limit may take or refuse both sizes at it."""
_HEAD = b'{"type":"text_delta","session_id":"' + SESSION + b'","seq":0,"text":"'
_DELTA = _HEAD + b'a"}'
_END = say("text_end", seq=1)
_SPACED = b' {"\\u0074ype" :\t"text_del\\u0074a",\r\n"text":"\\u0061" , "seq":0,"session_id": "' + SESSION + b'"}\n'
ONE_A = Ends(chunks=("a",))
REFUSED = Refused()
_FINISH: tuple[Step, ...] = (delta("a"), TEXT_END)


def _padded(size_bytes: int) -> Raw:
    return Raw(payload=_DELTA[:-1] + b',"pad":"' + PAD + b'"}', size_bytes=size_bytes)


def _each_byte() -> Iterator[bytes]:
    before, after = _DELTA.split(SESSION)
    yield from (before[i : i + 1] for i in range(len(before)))
    yield SESSION
    yield from (after[i : i + 1] for i in range(len(after)))


def _text(payload: str | bytes) -> tuple[Step, ...]:
    return (Raw(payload=payload.encode() if isinstance(payload, str) else payload),)


_START = json.dumps(
    {"type": "start", "session_id": SESSION.decode(), "audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1}
).encode()

_NO_MESSAGE: dict[str, str | bytes] = {
    "empty": "",
    "blank": "  ",
    "words": "hello",
    "array": "[]",
    "string": '"start"',
    "number": "1",
    "null": "null",
    "true": "true",
    "nan": '{"type":"start","session_id":"a","sample_rate":NaN}',
    "broken_off": '{"type":"start","session_id":"a"',
    "two_objects": "{}{}",
    "trailing_comma": '{"type":"start",}',
    "single_quotes": "{'type':'start'}",
    "nested_deep": "[" * 100_000,
    "object_empty": "{}",
    "type_null": '{"type":null}',
    "type_number": '{"type":1}',
    "type_unknown": '{"type":"hello"}',
    "type_of_the_server": '{"type":"tts_end"}',
    "type_upper_case": '{"type":"START"}',
    "byte_order_mark": "\ufeff" + '{"type":"start"}',
}
_PROTOCOL_ERROR = Closed(codes=(1002, 1006))
_RFC: dict[str, tuple[tuple[Step, ...], Expected]] = {
    "ping.empty": ((Raw(payload=b"", opcode=Opcode.PING), Hear("pong"), *_FINISH), Ends(chunks=("a",), pong=b"")),
    "ping.payload": (
        (Raw(payload=b"\x00\xffwdtts", opcode=Opcode.PING), Hear("pong"), *_FINISH),
        Ends(chunks=("a",), pong=b"\x00\xffwdtts"),
    ),
    "ping.largest": (
        (Raw(payload=b"p" * 125, opcode=Opcode.PING), Hear("pong"), *_FINISH),
        Ends(chunks=("a",), pong=b"p" * 125),
    ),
    "ping.too_large": ((Raw(payload=b"p" * 126, opcode=Opcode.PING),), _PROTOCOL_ERROR),
    "ping.fragmented": ((Raw(payload=b"p", opcode=Opcode.PING, fin=False),), _PROTOCOL_ERROR),
    "pong.unasked": ((Raw(payload=b"p", opcode=Opcode.PONG), *_FINISH), ONE_A),
    "fragments.two": ((*frames([_DELTA[:20], _DELTA[20:]]), _END), ONE_A),
    "fragments.each_byte": ((*frames(_each_byte()), _END), ONE_A),
    "fragments.empty_ones": ((*frames([b"", _DELTA, b""]), _END), ONE_A),
    "fragments.ping_between": (
        (
            Raw(payload=_DELTA[:9], fin=False),
            Raw(payload=b"mid", opcode=Opcode.PING),
            Raw(payload=_DELTA[9:], opcode=Opcode.CONTINUATION),
            Hear("pong"),
            _END,
        ),
        Ends(chunks=("a",), pong=b"mid"),
    ),
    "fragments.inside_a_character": (
        (
            *frames(
                [
                    _HEAD + "字".encode()[:1],
                    "字".encode()[1:] + b'"}',
                ]
            ),
            _END,
        ),
        Ends(chunks=("字",)),
    ),
    "fragments.continuation_of_nothing": ((Raw(payload=b"x", opcode=Opcode.CONTINUATION),), _PROTOCOL_ERROR),
    "fragments.text_within_text": ((Raw(payload=_DELTA[:9], fin=False), Raw(payload=_DELTA)), _PROTOCOL_ERROR),
    "reserved.opcode": ((Raw(payload=b"x", opcode=Opcode.RESERVED),), _PROTOCOL_ERROR),
    "reserved.control_opcode": ((Raw(payload=b"x", opcode=Opcode.RESERVED_CONTROL),), _PROTOCOL_ERROR),
    "reserved.bit": ((Raw(payload=_DELTA, rsv=2),), _PROTOCOL_ERROR),
    "utf8.invalid": ((Raw(payload=b'{"type":"\xff\xfe"}'),), Closed(codes=(1000, 1002, 1007, 1006))),
    "utf8.broken_off": ((Raw(payload=b'{"type":"\xe5\xad'),), Closed(codes=(1000, 1002, 1007, 1006))),
    "close.normal": ((close_frame(1000),), Closed(codes=(1000,))),
    "close.going_away": ((close_frame(1001),), Closed(codes=(1000, 1001))),
    "close.own_code": ((close_frame(4000),), Closed(codes=(1000, 4000))),
    "close.without_code": ((Raw(payload=b"", opcode=Opcode.CLOSE),), Closed(codes=(1000, 1005))),
    "close.half_a_code": ((Raw(payload=b"\x03", opcode=Opcode.CLOSE),), _PROTOCOL_ERROR),
    "close.forbidden_code": ((close_frame(1005),), _PROTOCOL_ERROR),
}
_SIZES: dict[str, tuple[tuple[Step, ...], Expected]] = {
    "at_the_limit": ((_padded(MESSAGE_LIMIT_BYTES), _END), Either((ONE_A, REFUSED))),
    "over_the_limit": ((_padded(MESSAGE_LIMIT_BYTES + 1), _END), Either((REFUSED, ONE_A))),
    "far_over_the_limit": ((_padded(5 * MESSAGE_LIMIT_BYTES),), REFUSED),
}

CASES = (
    *(Case(f"frames.no_message.first.{name}", "2.7", _text(text), REFUSED) for name, text in _NO_MESSAGE.items()),
    *(
        Case(f"frames.no_message.later.{name}", "2.7", (*BEGUN, *_text(text)), REFUSED)
        for name, text in _NO_MESSAGE.items()
    ),
    Case("frames.json.spaced_and_escaped", "1", (*BEGUN, Raw(payload=_SPACED), _END), ONE_A),
    Case("frames.binary.first", "2.7", (Raw(payload=_START, opcode=Opcode.BINARY),), REFUSED),
    Case("frames.binary.later", "2.7", (*BEGUN, Raw(payload=_DELTA, opcode=Opcode.BINARY)), REFUSED),
    Case("frames.binary.empty", "2.7", (*BEGUN, Raw(payload=b"", opcode=Opcode.BINARY)), REFUSED),
    *(Case(f"frames.size.{name}", "2.7", (*BEGUN, *steps), expected) for name, (steps, expected) in _SIZES.items()),
    *(Case(f"frames.{name}", "RFC 6455", (*BEGUN, *steps), expected) for name, (steps, expected) in _RFC.items()),
    Case("frames.fragments.start", "RFC 6455", (*frames([_START[:7], _START[7:]]), Hear("start_ack"), *_FINISH), ONE_A),
    Case("frames.close.before_start", "1", (close_frame(1000),), Closed(codes=(1000,))),
)
