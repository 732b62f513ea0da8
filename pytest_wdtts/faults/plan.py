"""What to break when: shares of the sessions, chosen by the run's seed, laid out as faults in time."""

from random import Random
from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import asdict

from ..clock import NS_PER_S
from ..errors import UsageError
from ..load import LoadPlan, SessionPlan
from .kinds import Cancel, Disconnect, Fault, How, SlowReader

Moment = Literal["any", "before_audio", "mid_stream", "flushing"]
MOMENTS: tuple[Moment, ...] = ("any", "before_audio", "mid_stream", "flushing")
HOWS: tuple[How, ...] = ("close", "reset", "silence", "within_frame")
_JUST_AFTER_NS = 2_000_000


class DisconnectShare(Struct, frozen=True, kw_only=True):
    """Cut `percent` (0..1) of the sessions, `times` each, in one of the ways or all in turn ("any").

    `resume_percent` of the returns use `resume`; the others come back as a new session.
    """

    name: ClassVar[str] = "disconnect"
    percent: float = 0.1
    reconnect_delay_s: float = 5.0
    how: str = "any"
    moment: str = "any"
    times: int = 1
    resume_percent: float = 1.0


class CancelShare(Struct, frozen=True, kw_only=True):
    """Cancel `percent` (0..1) of the sessions at one of the moments or all in turn ("any")."""

    name: ClassVar[str] = "cancel"
    percent: float = 0.1
    moment: str = "any"


class SlowReaderShare(Struct, frozen=True, kw_only=True):
    """`percent` (0..1) of the sessions stop reading for `pause_s`, or read `read_bytes_per_s`.

    `receive_buffer_bytes` bounds what the kernel takes in meanwhile: by default it would hide megabytes.
    """

    name: ClassVar[str] = "slow_reader"
    percent: float = 0.1
    pause_s: float = 5.0
    read_bytes_per_s: int = 0
    receive_buffer_bytes: int = 8192
    times: int = 1


Share = DisconnectShare | CancelShare | SlowReaderShare
SHARES: dict[str, type[Share]] = {kind.name: kind for kind in (DisconnectShare, CancelShare, SlowReaderShare)}


class FaultPlan(Struct, frozen=True):
    """The shares asked for and the faults they came to."""

    shares: tuple[Share, ...] = ()
    faults: tuple[Fault, ...] = ()

    def sessions(self, kind: type[Fault]) -> set[int]:
        """Indices of the sessions that get a fault of this kind."""
        return {fault.session for fault in self.faults if isinstance(fault, kind)}

    @property
    def touched(self) -> set[int]:
        """Indices of the sessions that get any fault."""
        return {fault.session for fault in self.faults}

    def receive_buffer_bytes(self, session: int) -> int:
        """How small a slow reader's kernel buffer has to be; 0 for everyone else."""
        if session not in self.sessions(SlowReader):
            return 0
        return max(
            (share.receive_buffer_bytes for share in self.shares if isinstance(share, SlowReaderShare)),
            default=0,
        )

    def described(self) -> dict[str, dict[str, object]]:
        """The shares as JSON-ready fields by name."""
        return {share.name: asdict(share) for share in self.shares}


def check_share(share: Share, load: LoadPlan) -> None:
    """Raise `UsageError` for a share that is no share or does not fit into the run."""
    for name in ("percent", "resume_percent"):
        value = getattr(share, name, 0.0)
        if not 0 <= value <= 1:
            raise UsageError(f"{share.name}({name}={value:g}): a share is a number from 0 to 1, 0.1 for ten percent")
    if getattr(share, "moment", "any") not in MOMENTS:
        raise UsageError(f"{share.name}(moment={share.moment!r}): one of {', '.join(MOMENTS)}")  # type: ignore[union-attr]
    if isinstance(share, DisconnectShare) and share.how not in ("any", *HOWS):
        raise UsageError(f"disconnect(how={share.how!r}): one of any, {', '.join(HOWS)}")
    for name in ("reconnect_delay_s", "pause_s", "read_bytes_per_s"):
        if getattr(share, name, 0) < 0:
            raise UsageError(f"{share.name}({name}={getattr(share, name):g}) lies in the past: give 0 or more")
    times = getattr(share, "times", 1)
    if times < 1:
        raise UsageError(f"{share.name}(times={times}): give 1 or more")
    longest_s = times * max(getattr(share, "reconnect_delay_s", 0.0), getattr(share, "pause_s", 0.0))
    if share.percent and longest_s >= load.duration_s:
        raise UsageError(
            f"{share.name}: {times} x {longest_s / times:g} s does not fit into {load.duration_s:g} s: "
            "shorten the fault or lengthen --wdtts-duration"
        )


def plan_faults(load: LoadPlan, sessions: list[SessionPlan], shares: tuple[Share, ...]) -> FaultPlan:
    """Choose the sessions and the times; same seed, same plan. Raises `UsageError` as `check_share` does.

    The shares are drawn without overlap while there are sessions left, so that each loss has one cause.
    """
    for share in shares:
        check_share(share, load)
    order = list(range(len(sessions)))
    Random(f"{load.seed}/faults").shuffle(order)
    faults: list[Fault] = []
    taken = 0
    for share in shares:
        count = round(share.percent * len(sessions)) or (1 if share.percent else 0)
        chosen = [order[(taken + i) % len(order)] for i in range(count)]
        taken += count
        for place, index in enumerate(chosen):
            random = Random(f"{load.seed}/faults/{share.name}/{index}")
            faults += _faults(share, sessions[index], place, random)
    return FaultPlan(shares, tuple(sorted(faults, key=lambda fault: (fault.at_ns, fault.session))))


def _faults(share: Share, session: SessionPlan, place: int, random: Random) -> list[Fault]:
    index = session.index
    match share:
        case DisconnectShare():
            delay_ns = round(share.reconnect_delay_s * NS_PER_S)
            hows = HOWS if share.how == "any" else (share.how,)
            cut = [
                Disconnect(
                    session=index,
                    at_ns=at_ns,
                    delay_ns=delay_ns,
                    how=hows[(place + turn) % len(hows)],  # type: ignore[arg-type]
                    resume=random.random() < share.resume_percent,
                )
                for turn, at_ns in enumerate(_times(session, share.times, delay_ns, share.moment, place, random))
            ]
            return [*cut]
        case CancelShare():
            return [Cancel(session=index, at_ns=_times(session, 1, 0, share.moment, place, random)[0])]
        case SlowReaderShare():
            pause_ns = round(share.pause_s * NS_PER_S)
            return [
                SlowReader(session=index, at_ns=at_ns, pause_ns=pause_ns, read_bytes_per_s=share.read_bytes_per_s)
                for at_ns in _times(session, share.times, pause_ns, "mid_stream", place, random)
            ]


def _times(session: SessionPlan, times: int, length_ns: int, moment: str, place: int, random: Random) -> list[int]:
    """Lay `times` intervals of `length_ns` into the session; the first at the moment asked for."""
    begin, end = session.first_unit_ns, session.due_ns(len(session.text))
    turns = ("mid_stream", "mid_stream", "before_audio", "mid_stream", "flushing")
    moment = turns[place % len(turns)] if moment == "any" else moment
    if moment == "flushing":
        return [end + _JUST_AFTER_NS]
    slot_ns = (end - begin) // times
    free_ns = max(slot_ns - length_ns, slot_ns // 10)
    starts = [begin + turn * slot_ns + random.randrange(free_ns // 10, free_ns * 9 // 10 + 1) for turn in range(times)]
    if moment == "before_audio":
        starts[0] = session.first_unit_ns + _JUST_AFTER_NS
    return starts
