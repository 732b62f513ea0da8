"""What to break when: shares of the sessions, chosen by the run's seed, laid out as faults in time."""

from itertools import combinations
from random import Random

from msgspec import Struct
from msgspec.structs import asdict

from ..clock import NS_PER_S
from ..errors import UsageError
from ..load import LoadPlan, SessionPlan
from .kinds import Cancel, Disconnect, Fault, GatewayFault, How, SlowReader
from .shares import CancelShare, DisconnectShare, GatewayBreak, Share, SlowReaderShare, check_share

_JUST_AFTER_NS = 2_000_000
_ARMED_BEFORE_NS = 20_000_000
_TURNS = ("mid_stream", "mid_stream", "before_audio", "mid_stream", "flushing")
"""What "any" moment means, place by place: mostly in the middle, and never forgetting the edges."""

_HOWS: tuple[How, ...] = ("within_frame", "close", "reset", "silence")
"""What "any" way means, place by place. The first leaves audio that has to be replayed: in a small run it is the
only cut, and after one between two chunks there is nothing that a gateway could lose."""


class FaultPlan(Struct, frozen=True):
    """The shares asked for and the faults they came to, of sessions and of the gateway itself."""

    shares: tuple[Share, ...] = ()
    faults: tuple[Fault, ...] = ()
    gateway: tuple[GatewayFault, ...] = ()

    def receive_buffers(self) -> dict[int, int]:
        """Bytes of kernel buffer for each slow reader; who is not named keeps the system's."""
        bound = max((s.receive_buffer_bytes for s in self.shares if isinstance(s, SlowReaderShare)), default=0)
        return {fault.session: bound for fault in self.faults if isinstance(fault, SlowReader)}

    def longest_ns(self) -> int:
        """The longest time from a fault to its heal."""
        every = (*self.faults, *self.gateway)
        return max((fault.heals_ns - fault.at_ns for fault in every), default=0)

    def described(self) -> dict[str, dict[str, object]]:
        """The shares as JSON-ready fields by name."""
        return {share.name: asdict(share) for share in self.shares}


def plan_faults(load: LoadPlan, sessions: list[SessionPlan], shares: tuple[Share, ...]) -> FaultPlan:
    """Choose the sessions and the times; same seed, same plan. Raises `UsageError` as `check_share` does.

    The shares are drawn without overlap while there are sessions left, so that each loss has one cause.
    """
    for share in shares:
        check_share(share, load)
    order = list(range(len(sessions)))
    Random(f"{load.seed}/faults").shuffle(order)
    faults: list[Fault] = []
    broken: list[GatewayFault] = []
    taken = 0
    for share in shares:
        if isinstance(share, GatewayBreak):
            broken.append(_gateway_fault(share, load))
            continue
        count = round(share.percent * len(sessions)) or (1 if share.percent else 0)
        chosen = [order[(taken + i) % len(order)] for i in range(count)]
        taken += count
        for place, index in enumerate(chosen):
            random = Random(f"{load.seed}/faults/{share.name}/{index}")
            faults += _faults(share, sessions[index], place, load, random)
    _check_apart(broken)
    return FaultPlan(shares, tuple(sorted(faults, key=lambda fault: (fault.at_ns, fault.session))), tuple(broken))


def _gateway_fault(share: GatewayBreak, load: LoadPlan) -> GatewayFault:
    at_s = share.at_s if share.at_s >= 0 else (load.duration_s - share.down_s) / 2
    return GatewayFault(
        how=share.name,
        at_ns=round(at_s * NS_PER_S),
        down_ns=round(share.down_s * NS_PER_S),
        takes_away=share.takes_away,
    )


def _check_apart(broken: list[GatewayFault]) -> None:
    """Raise `UsageError` where the gateway would be broken while it is away: of two such faults one is none."""
    for one, other in combinations(sorted(broken, key=lambda fault: fault.at_ns), 2):
        if other.at_ns <= one.heals_ns and (one.takes_away or other.takes_away):
            raise UsageError(
                f"{other.how} at {other.at_ns / NS_PER_S:g} s comes while {one.how} lasts, from "
                f"{one.at_ns / NS_PER_S:g} s to {one.heals_ns / NS_PER_S:g} s: give one of them another at_s"
            )


def _faults(
    share: DisconnectShare | CancelShare | SlowReaderShare,
    session: SessionPlan,
    place: int,
    load: LoadPlan,
    random: Random,
) -> list[Fault]:
    index = session.index
    match share:
        case DisconnectShare():
            delay_ns = round(share.reconnect_delay_s * NS_PER_S)
            hows = _HOWS if share.how == "any" else (share.how,)
            moment = _moment(share, place)
            times = _times(session, share.times, delay_ns, moment, random)
            return [
                Disconnect(
                    session=index,
                    at_ns=at_ns,
                    delay_ns=delay_ns,
                    how=hows[(place + turn) % len(hows)],  # type: ignore[arg-type]
                    resume=random.random() < share.resume_percent,
                    with_text_end=moment == "flushing",
                )
                for turn, at_ns in enumerate(times)
            ]
        case CancelShare():
            moment = _moment(share, place)
            at_ns = _times(session, 1, 0, moment, random)[0]
            return [Cancel(session=index, at_ns=at_ns, with_text_end=moment == "flushing")]
        case SlowReaderShare():
            pause_ns = round(share.pause_s * NS_PER_S)
            return [
                SlowReader(session=index, at_ns=at_ns, pause_ns=pause_ns, read_bytes_per_s=share.read_bytes_per_s)
                for at_ns in _wave_times(share, load, place, random)
            ]


def _moment(share: DisconnectShare | CancelShare, place: int) -> str:
    return _TURNS[place % len(_TURNS)] if share.moment == "any" else share.moment


def _times(session: SessionPlan, times: int, length_ns: int, moment: str, random: Random) -> list[int]:
    """Lay `times` intervals of `length_ns` into the session; the first at the moment asked for."""
    begin, end = session.first_unit_ns, session.due_ns(len(session.text))
    if moment == "flushing":
        return [end - _ARMED_BEFORE_NS]
    slot_ns = (end - begin) // times
    free_ns = max(slot_ns - length_ns, slot_ns // 10)
    starts = [begin + turn * slot_ns + random.randrange(free_ns // 10, free_ns * 9 // 10 + 1) for turn in range(times)]
    if moment == "before_audio":
        starts[0] = session.first_unit_ns + _JUST_AFTER_NS
    return starts


def _wave_times(share: SlowReaderShare, load: LoadPlan, place: int, random: Random) -> list[int]:
    """Start in the second third of a wave's slack, so that calm is left before and after it."""
    waves = max(share.waves, share.times)
    begin_s = max(load.ramp_s, load.warmup_s)
    wave_s = (load.duration_s - begin_s) / waves
    slack_s = max(0.0, wave_s - share.pause_s)
    chosen = sorted((place + turn) % waves for turn in range(share.times))
    return [round((begin_s + wave * wave_s + slack_s * (0.4 + 0.2 * random.random())) * NS_PER_S) for wave in chosen]
