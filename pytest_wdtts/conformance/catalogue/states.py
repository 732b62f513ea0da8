"""Every state of a session met by every message."""

from ..case import BEGUN, CANCEL, TEXT_END, Case, Hear, Say, Step, delta, resume, start
from ..expected import Either, Ends, Expected, Refused

LONG = "字" * 2400
"""Takes a gateway so long to send that what follows `text_end` at once still meets FLUSHING."""
OVER_BEFORE = Ends(text=LONG)
"""But a gateway that takes one message after the other has truly ended before it reads the next."""
NOT_ALLOWED = Refused()
NOTHING_TO_RESUME = Refused(codes=("resume_not_available", "bad_request"))
ENDS_ONCE = Ends(chunks=("a",))

MESSAGES: dict[str, Say] = {
    "start": start(),
    "text_delta": delta("a"),
    "text_end": TEXT_END,
    "cancel": CANCEL,
    "resume": resume(-1),
}

_FLUSHING: tuple[Step, ...] = (*BEGUN, delta(LONG), TEXT_END)
_ENDED: tuple[Step, ...] = (*BEGUN, delta("a"), TEXT_END, Hear("tts_end"))
_FAILED: tuple[Step, ...] = (*BEGUN, Say({"type": "no such type"}), Hear("error"))

_EXPECTED: dict[str, tuple[tuple[Step, ...], dict[str, tuple[tuple[Step, ...], Expected]]]] = {
    "wait_start": (
        (),
        {
            "start": ((Hear("start_ack"), delta("a"), TEXT_END), ENDS_ONCE),
            "text_delta": ((), NOT_ALLOWED),
            "text_end": ((), NOT_ALLOWED),
            "cancel": ((), NOT_ALLOWED),
            "resume": ((), NOT_ALLOWED),
        },
    ),
    "streaming": (
        BEGUN,
        {
            "start": ((), NOT_ALLOWED),
            "text_delta": ((TEXT_END,), ENDS_ONCE),
            "text_end": ((), Ends(chunks=())),
            "cancel": ((), Ends(chunks=(), cancelled=True)),
            "resume": ((), NOTHING_TO_RESUME),
        },
    ),
    "flushing": (
        _FLUSHING,
        {
            **dict.fromkeys(("start", "text_delta", "text_end"), ((), Either((NOT_ALLOWED, OVER_BEFORE)))),
            "cancel": ((), Either((Ends(cancelled=True), OVER_BEFORE))),
            "resume": ((), Either((NOTHING_TO_RESUME, OVER_BEFORE))),
        },
    ),
    # What crosses the last message of the gateway on the wire changes nothing, or is one more that is not allowed.
    "ended": (_ENDED, dict.fromkeys(MESSAGES, ((), Either((ENDS_ONCE, NOTHING_TO_RESUME))))),
    "failed": (_FAILED, dict.fromkeys(MESSAGES, ((), NOT_ALLOWED))),
}

CASES = (
    *(
        Case(f"states.{state}.{name}", "1, states", (*before, MESSAGES[name], *after), expected)
        for state, (before, by_message) in _EXPECTED.items()
        for name, (after, expected) in by_message.items()
    ),
    # Not the close frame alone: the connection itself.
    Case("states.ended.connection", "1, states", (*_ENDED, Hear("eof")), ENDS_ONCE),
    Case("states.failed.connection", "1, states", (*_FAILED, Hear("eof")), NOT_ALLOWED),
)
