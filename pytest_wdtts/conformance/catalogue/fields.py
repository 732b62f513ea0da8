"""Every field of every message, wrong in each way; and what is odd but allowed."""

from collections.abc import Iterator

from ..case import BEGUN, CANCEL, START, TEXT_END, Case, Cut, Hear, Say, Step, delta, resume, start
from ..expected import Ends, Fields, Refused

_WRONG_TYPES: dict[str, dict[str, object]] = {
    "str": {"null": None, "int": 7, "bool": True, "list": ["a"], "object": {"a": 1}, "empty": ""},
    "int": {"null": None, "str": "1", "bool": True, "float": 1.5, "list": [1], "object": {"a": 1}},
}
_SCHEMA: dict[str, dict[str, str]] = {
    "start": {"session_id": "str", "audio_format": "str", "sample_rate": "int", "channels": "int"},
    "text_delta": {"session_id": "str", "seq": "int", "text": "str"},
    "text_end": {"session_id": "str", "seq": "int"},
    "cancel": {"session_id": "str", "seq": "int"},
    "resume": {"session_id": "str", "last_unit_index_received": "int"},
}
_GOOD: dict[str, Fields] = {
    "start": START,
    "text_delta": delta("a").fields,
    "text_end": TEXT_END.fields,
    "cancel": CANCEL.fields,
    "resume": resume(-1).fields,
}
_OUT_OF_RANGE: list[tuple[str, str, str, object]] = [
    ("start", "audio_format", "unknown", "mp3"),
    ("start", "sample_rate", "zero", 0),
    ("start", "sample_rate", "negative", -16000),
    ("start", "sample_rate", "beyond_any_engine", 1_000_000),
    ("start", "sample_rate", "huge", 10**30),
    ("start", "channels", "huge", 10**30),
    ("start", "channels", "zero", 0),
    ("start", "channels", "three", 3),
    ("start", "channels", "negative", -1),
    ("resume", "last_unit_index_received", "below_minus_one", -2),
    ("resume", "last_unit_index_received", "never_sent", 1_000_000),
    ("resume", "last_unit_index_received", "huge", 10**30),
    ("text_delta", "session_id", "foreign", "somebody-else"),
    ("text_end", "session_id", "foreign", "somebody-else"),
    ("cancel", "session_id", "foreign", "somebody-else"),
    ("resume", "session_id", "foreign", "somebody-else"),
]


def _before(kind: str) -> tuple[Step, ...]:
    if kind == "start":
        return ()
    return (*BEGUN, Cut(), start(), Hear("start_ack")) if kind == "resume" else BEGUN


def _wrong() -> Iterator[Case]:
    for kind, schema in _SCHEMA.items():
        for name, of_type in schema.items():
            expected = Refused(names=name)
            missing = Say(_GOOD[kind], without=name)
            yield Case(f"fields.{kind}.{name}.missing", "2.7", (*_before(kind), missing), expected)
            for how, value in _WRONG_TYPES[of_type].items():
                wrong = Say(_GOOD[kind] | {name: value})
                yield Case(f"fields.{kind}.{name}.{how}", "2.7", (*_before(kind), wrong), expected)
    for kind, name, how, value in _OUT_OF_RANGE:
        wrong = Say(_GOOD[kind] | {name: value})
        yield Case(f"fields.{kind}.{name}.{how}", "2.7", (*_before(kind), wrong), Refused(names=name))


_EXTRA: Fields = {"x_unknown": {"deep": [1, None, "字"]}}
_SPOKEN: tuple[Step, ...] = (delta("a"), TEXT_END)
_ODD: dict[str, tuple[tuple[Step, ...], Ends]] = {
    "start.unknown_field": ((start(**_EXTRA), Hear("start_ack"), *_SPOKEN), Ends(chunks=("a",))),
    "start.stereo": ((start(channels=2), Hear("start_ack"), *_SPOKEN), Ends(chunks=("a",))),
    "text_delta.unknown_field": ((*BEGUN, delta("a", **_EXTRA), TEXT_END), Ends(chunks=("a",))),
    "text_end.unknown_field": (
        (*BEGUN, delta("a"), Say(TEXT_END.fields | _EXTRA)),
        Ends(chunks=("a",)),
    ),
    "cancel.unknown_field": ((*BEGUN, Say(CANCEL.fields | _EXTRA)), Ends(chunks=(), cancelled=True)),
    "text_delta.nul": ((*BEGUN, delta("a\0b"), TEXT_END), Ends(chunks=("a\0b",))),
    "text_delta.lone_surrogate": ((*BEGUN, delta("a\ud800b"), TEXT_END), Ends(chunks=("a\ud800b",))),
    # JSON cannot tell the halves from the character that they make: how they are spoken is the gateway's affair.
    "text_delta.surrogate_halves": (
        (*BEGUN, delta("\ud83d"), delta("\ude00"), delta("。"), TEXT_END),
        Ends(),
    ),
    "text_delta.astral": ((*BEGUN, delta("\U0001f600" * 24 + "b"), TEXT_END), Ends(chunks=("\U0001f600" * 24, "b"))),
    "text_delta.joined": ((*BEGUN, delta("👩\u200d" * 12 + "b"), TEXT_END), Ends(chunks=("👩\u200d" * 12, "b"))),
    "text_delta.seq_from_seven": ((*BEGUN, delta("a", seq=7), delta("b"), TEXT_END), Ends(chunks=("ab",))),
    "text_delta.combining": ((*BEGUN, delta("e\u0301" * 12 + "b"), TEXT_END), Ends(chunks=("e\u0301" * 12, "b"))),
    "text_delta.blanks": ((*BEGUN, delta("  \t"), TEXT_END), Ends(chunks=("  \t",))),
    "text_delta.markup": ((*BEGUN, delta('<b>"\\'), TEXT_END), Ends(chunks=('<b>"\\',))),
}

CASES = (*_wrong(), *(Case(f"fields.{name}", "1, 2.7", steps, ends) for name, (steps, ends) in _ODD.items()))
