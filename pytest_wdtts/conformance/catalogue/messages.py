"""What the gateway itself says: every message whole, true to `start`, and in its place after the one before.

The clauses are part 1's; a gateway's own additions do not matter here.
"""

from ..case import BEGUN, TEXT_END, Case, Cut, Hear, HearUnits, Raw, Step, delta, resume, start
from ..expected import Sound

_TEXT = "您好，" + "a" * 30 + "。😀b"


def _begun(channels: int) -> tuple[Step, ...]:
    return (start(channels=channels), Hear("start_ack"))


def _whole(channels: int) -> tuple[Step, ...]:
    return (*_begun(channels), delta(_TEXT), TEXT_END)


def _returned(channels: int) -> tuple[Step, ...]:
    begun, first, second = _begun(channels), delta(_TEXT[:20]), delta(_TEXT[20:])
    return (*begun, first, HearUnits(2), Cut(), *begun, resume(-1), second, TEXT_END)


_RULES: dict[str, tuple[str, str]] = {
    "fields": ("1, server to client", "audio_chunk"),
    "session": ("1, server to client", "tts_end"),
    "format": ("1, server to client", "audio_chunk"),
    "header": ("1, start_ack", "start_ack"),
    "units": ("1, audio_chunk", "audio_chunk"),
    "order": ("1, audio_chunk", "audio_chunk"),
    "audio": ("1, audio_chunk", "audio_chunk"),
}
_ERROR = (Raw(payload=b"no message"),)

CASES = (
    *(
        Case(f"messages.{name}.{rule}", clause, steps(channels), Sound(rule=rule, kind=kind, end="tts_end"))
        for name, channels, steps in (("mono", 1, _whole), ("stereo", 2, _whole), ("returned", 1, _returned))
        for rule, (clause, kind) in _RULES.items()
    ),
    *(
        Case(f"messages.error.{rule}", "1, error codes", (*BEGUN, *_ERROR), error)
        for rule, error in ((rule, Sound(rule=rule, kind="error", end="error")) for rule in ("fields", "code"))
    ),
)
