"""The life of a session over several connections: cuts, resumes, takeovers, ids used again, and its end."""

from ..case import (
    BACK,
    BEGUN,
    CANCEL,
    TEXT_END,
    Back,
    Case,
    Cut,
    Expire,
    Hear,
    HearUnits,
    Open,
    Raw,
    Say,
    Step,
    delta,
    resume,
    say,
    start,
)
from ..expected import Closed, Either, Ends, Expected, Refused
from ..wire import Opcode
from .states import LONG, OVER_BEFORE

THREE: tuple[Step, ...] = (*BEGUN, delta("一，二，三，"), HearUnits(5))
PING = Raw(payload=b"", opcode=Opcode.PING)
_ENDED: tuple[Step, ...] = (*BEGUN, delta("a"), TEXT_END, Hear("close"), Open())
_CANCELLED: tuple[Step, ...] = (*BEGUN, CANCEL, Hear("close"), Open())
_FAILED: tuple[Step, ...] = (*BEGUN, Say({"type": "no such type"}), Hear("close"), Open())
_AGAIN: tuple[Step, ...] = (*BACK, delta("b"), TEXT_END)
_FRESH = Ends(chunks=("b",))
_FRESH_OR_NOT = Either((_FRESH, Refused(), *(Ends(chunks=(), resumed=True, cancelled=c) for c in (False, True))))
"""Whether the id of a session that is over may begin another one, the contract does not say; or its end comes again."""
NOTHING = Refused(codes=("resume_not_available",))


def _resumed(*chunks: str, accepted: int = 6, cancelled: bool = False) -> Ends:
    return Ends(chunks=chunks, resumed=True, units_accepted=accepted, cancelled=cancelled)


_LIVES: dict[str, tuple[str, tuple[Step, ...], Expected]] = {
    "resume.all": ("2.1", (*THREE, Cut(), *BACK, resume(-1), TEXT_END), _resumed("一，", "二，", "三，")),
    "resume.unheard": (
        "2.1",
        (*BEGUN, delta("一，二，三，"), PING, Hear("pong"), Cut(), *BACK, resume(-1), TEXT_END),
        _resumed("一，", "二，", "三，"),
    ),
    "resume.first": ("2.1", (*THREE, Cut(), *BACK, resume(1), TEXT_END), _resumed("二，", "三，")),
    "resume.inside_a_chunk": ("2.1", (*THREE, Cut(), *BACK, resume(2), TEXT_END), _resumed("二，", "三，")),
    "resume.caught_up": ("2.3", (*THREE, Cut(), *BACK, resume(5), TEXT_END), _resumed()),
    "resume.beyond": ("2.3", (*THREE, Cut(), *BACK, resume(6)), Refused(names="last_unit_index_received")),
    "resume.then_live": (
        "2.1",
        (*THREE, Cut(), *BACK, resume(3), delta("四，五"), TEXT_END),
        _resumed("三，", "四，", "五"),
    ),
    "resume.pending_kept": (
        "2.1",
        (*BEGUN, delta("一，二"), HearUnits(1), Cut(), *BACK, resume(1), delta("三"), TEXT_END),
        _resumed("二三", accepted=3),
    ),
    "resume.twice": (
        "2.1",
        (*THREE, Cut(), *BACK, resume(3), HearUnits(5), Cut(), *BACK, resume(-1), TEXT_END),
        _resumed("一，", "二，", "三，"),
    ),
    "resume.after_new_text": ("2.1", (*THREE, Cut(), *BACK, delta("四"), TEXT_END), _resumed("四")),
    "resume.cancel_instead": ("2.5", (*THREE, Cut(), *BACK, CANCEL), _resumed(cancelled=True)),
    "resume.unknown_session": ("2.3", (*BEGUN, resume(-1)), NOTHING),
    # The contract does not say which of the two wins; a gateway must do one of them.
    "resume.other_channels": (
        "1, start",
        (*THREE, Cut(), start(channels=2), TEXT_END),
        Either((Refused(), Ends(), Ends(resumed=True))),
    ),
    "takeover.nothing_before_resume": ("2.1", (*THREE, Open(), *BACK, TEXT_END), _resumed()),
    "takeover.replay": ("2.1", (*THREE, Open(), *BACK, resume(-1), TEXT_END), _resumed("一，", "二，", "三，")),
    "takeover.new_audio_to_the_new_only": (
        "2.1",
        (*THREE, Open(), *BACK, resume(5), delta("四，"), TEXT_END),
        _resumed("四，"),
    ),
    "takeover.closes_the_old": ("2.1", (*THREE, Open(), *BACK, Back()), Closed()),
    "takeover.no_audio_to_the_old": (
        "2.1",
        (*THREE, Open(), *BACK, resume(-1), delta("四，"), HearUnits(7), Back()),
        Closed(),
    ),
    "takeover.by_a_third": (
        "2.1",
        (*THREE, Open(), *BACK, Open(), *BACK, resume(3), TEXT_END),
        _resumed("三，"),
    ),
    "away.ended": (
        "2.4",
        (*BEGUN, delta("一，二"), TEXT_END, Cut(), *BACK, resume(-1)),
        Ends(text="一，二", resumed=True),
    ),
    "away.text_end_again": (
        "2.4",
        (*BEGUN, delta("一，二"), TEXT_END, Cut(), *BACK, resume(-1), TEXT_END),
        Either((Ends(text="一，二", resumed=True), Refused())),
    ),
    "away.cancelled": (
        "2.4",
        (*BEGUN, CANCEL, Cut(), *BACK, resume(-1)),
        Ends(chunks=(), resumed=True, cancelled=True),
    ),
    "away.too_long": ("2.3", (*THREE, Expire(), *BACK, delta("b"), TEXT_END), _FRESH),
    "away.too_long_to_resume": ("2.3", (*THREE, Expire(), *BACK, resume(1)), NOTHING),
    "id.again_after_end": ("1", (*_ENDED, *_AGAIN), _FRESH_OR_NOT),
    "id.again_after_cancel": ("1", (*_CANCELLED, *_AGAIN), _FRESH_OR_NOT),
    "id.again_after_error": ("1", (*_FAILED, *_AGAIN), _FRESH_OR_NOT),
    # A gateway cannot know that its `tts_end` was read: it may forget the session, or keep it for its window.
    "id.resume_after_end": ("2.3", (*_ENDED, *BACK, resume(-1)), Either((NOTHING, Ends(text="a", resumed=True)))),
    "id.resume_after_cancel": (
        "2.3",
        (*_CANCELLED, *BACK, resume(-1)),
        Either((NOTHING, Ends(chunks=(), resumed=True, cancelled=True))),
    ),
    "id.of_a_later_connection": (
        "1",
        (*THREE, Open(), start(session_id="its own"), say("text_end", session_id="its own")),
        Ends(chunks=()),
    ),
    "cancel.pending": ("2.5", (*BEGUN, delta("一，二"), HearUnits(1), CANCEL), Ends(chunks=("一，",), cancelled=True)),
    "cancel.at_once": ("2.5", (start(), CANCEL), Ends(chunks=(), cancelled=True)),
    "cancel.crossed_by_text": ("2.5", (*BEGUN, CANCEL, delta("一，")), Ends(chunks=(), cancelled=True)),
    "cancel.crossed_by_text_end": ("2.5", (*BEGUN, delta("一"), CANCEL, TEXT_END), Ends(chunks=(), cancelled=True)),
    "cancel.after_text_end": (
        "2.5",
        (*BEGUN, delta(LONG), TEXT_END, CANCEL),
        Either((Ends(cancelled=True), OVER_BEFORE)),
    ),
    "at_once.everything": ("1", (start(), delta("一，二"), TEXT_END), Ends(chunks=("一，", "二"))),
}

CASES = tuple(Case(f"life.{name}", clause, steps, expected) for name, (clause, steps, expected) in _LIVES.items())
