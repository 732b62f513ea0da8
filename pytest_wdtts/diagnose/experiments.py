"""The experiments as values: each says which step comes next, of what the steps before it showed. Pure.

Steps of one experiment run in a mirrored order (A B C C B A): what drifts with time then weighs on all alike.
"""

from collections.abc import Sequence
from itertools import chain
from random import Random
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from ..attribution import Experiment, Objective, Seen, Step, StepSeen
from ..attribution.capacity import find_capacity
from ..attribution.load_judges import HURT_ONCE, slow_readers_hurt_others
from ..run.driver import GRACE_AFTER_PLAN_S

OVERHEAD_S = 1.7
"""What a step takes beyond its duration: the look at the idle gateway, the ramp, the end."""
CARRIED_MS = 100.0
"""Service time (p50) up to which a load counts as carried, so that another experiment may ask as much again."""
SLOW_LOAD_SHARE = 0.8
SLOW_SESSIONS = 8


class Pace(Struct, frozen=True, kw_only=True):
    """How thorough a diagnosis is. `pauses` are the slow readers' shares and pauses, in rising order.

    `tries_again` steps of each experiment may be taken again where our own machine was too slow for them.
    """

    rungs: tuple[int, ...] = (10, 25, 50)
    rounds: int = 2
    step_s: float = 6.0
    bisections: int = 5
    tries_again: int = 6
    pauses: tuple[tuple[float, float], ...] = ((0.15, 2.0), (0.3, 6.0))
    slow_step_s: float = 8.0
    slow_cps: float = 100.0
    flush: tuple[tuple[str, float], ...] = (
        ("zh_high_punct", 5.0),
        ("zh_low_punct", 5.0),
        ("zh_high_punct", 10.0),
        ("zh_low_punct", 10.0),
    )
    flush_step_s: float = 10.0
    flush_rounds: int = 1


THOROUGH = Pace()
QUICK = Pace(
    rungs=(10, 50),
    rounds=1,
    step_s=4.0,
    bisections=2,
    tries_again=3,
    pauses=((0.3, 5.5),),
    slow_step_s=6.5,
    flush=(("zh_low_punct", 10.0),),
    flush_step_s=5.0,
)


class NextStep(Protocol):
    """One experiment."""

    experiment: Experiment

    def next_step(self, seen: Sequence[StepSeen]) -> Step | None:
        """Return what to do next, None when there is enough; `seen` are all steps so far."""
        ...

    def planned(self) -> list[Step]:
        """Return the steps that a healthy gateway will see."""
        ...

    def more(self) -> list[Step]:
        """Return the steps that another one may see besides, at most."""
        ...


class Ladder:
    """More and more sessions, the same text and rate (guide 4.1): up, down again, then the knee by bisection."""

    experiment: Experiment = "ladder"

    def __init__(self, pace: Pace, cps: float, corpus: str, most_sessions: int, objective: Objective) -> None:
        self._pace = pace
        self._objective = objective
        self._step = Step(experiment="ladder", sessions=1, cps=cps, duration_s=pace.step_s, corpus=corpus)
        self._rungs = _rungs(pace.rungs, most_sessions)

    def next_step(self, seen: Sequence[StepSeen]) -> Step | None:
        """Climb while every session is served, repeat what was climbed, then halve the interval of the knee."""
        tried = [one for one in seen if one.step.experiment == "ladder"]
        order = self._order(tried)
        if len(tried) < len(order):
            return replace(self._step, sessions=order[len(tried)])
        return self._bisect(tried, len(tried) - len(order))

    def planned(self) -> list[Step]:
        """Up and down, for as many rounds as the pace has."""
        once = [*self._rungs, *reversed(self._rungs)] if self._pace.rungs else []
        return [replace(self._step, sessions=sessions) for sessions in once * self._pace.rounds]

    def more(self) -> list[Step]:
        """As many halvings as the pace has."""
        return [self._step] * self._pace.bisections

    def _order(self, tried: Sequence[StepSeen]) -> list[int]:
        """A rung that turned sessions away or could not serve them is the top, and is not asked again."""
        climbed: list[int] = []
        for place, sessions in enumerate(self._rungs):
            climbed.append(sessions)
            if place >= len(tried):
                break
            one = tried[place]
            beyond = sessions > self._pace.rungs[-1] and not self._objective.holds(one)
            if not one.served or beyond:
                repeated = climbed[:-1]
                return [*climbed, *repeated[::-1], *[*repeated, *repeated[::-1]] * (self._pace.rounds - 1)]
        if len(climbed) < len(self._rungs) or len(tried) < len(self._rungs):
            return climbed
        return [*climbed, *climbed[::-1]] * self._pace.rounds

    def _bisect(self, tried: Sequence[StepSeen], done: int) -> Step | None:
        capacity = find_capacity(list(tried), self._objective)
        middle = (capacity.held + capacity.broken) // 2
        fine = capacity.broken - capacity.held <= max(1, capacity.broken // 10)
        if not capacity.known or fine or done >= self._pace.bisections or middle < 1:
            return None
        if any(one.step.sessions == middle for one in tried):
            return None
        return replace(self._step, sessions=middle)


class SlowReaders:
    """Some sessions stop reading (guide 4.2), more of them and for longer; between loads where nobody does."""

    experiment: Experiment = "slow_readers"

    def __init__(self, pace: Pace, corpus: str, seed: int) -> None:
        self._pace = pace
        self._step = Step(
            experiment="slow_readers",
            sessions=SLOW_SESSIONS,
            cps=pace.slow_cps,
            duration_s=pace.slow_step_s,
            corpus=corpus,
        )
        self._control_first = Random(f"{seed}/slow_readers").random() < 0.5

    def next_step(self, seen: Sequence[StepSeen]) -> Step | None:
        """The next of the fixed order, at no more than the load that the ladder found to be carried.

        Readers that come once only come again where they seem to have hurt others: it may have been a chance.
        """
        tried = [one for one in seen if one.step.experiment == "slow_readers"]
        done, planned = len(tried), self.planned()
        if done >= len(planned):
            slow = [one.step for one in tried if one.step.slow_share]
            suspect = len(slow) == 1 and _others_seem_hurt(seen)
            return slow[0] if suspect else None
        carried = [one.step.sessions * one.step.cps for one in seen if _carried(one)]
        if not carried:
            return None
        most_cps = SLOW_LOAD_SHARE * max(carried) / SLOW_SESSIONS
        return replace(planned[done], cps=min(planned[done].cps, max(1.0, most_cps)))

    def planned(self) -> list[Step]:
        """Control, then each pause, rising; and back again where the pace has more than one."""
        slow = [replace(self._step, slow_share=share, slow_pause_s=pause_s) for share, pause_s in self._pace.pauses]
        if len(slow) == 1:
            return [self._step, *slow] if self._control_first else [*slow, self._step]
        return [self._step, *slow, *slow[::-1], self._step]

    def more(self) -> list[Step]:
        """Readers that come again, where they come once."""
        return [self._step] if len(self._pace.pauses) == 1 else []


class Flush:
    """Texts with many and with few marks, at several typing rates (guide 4.3)."""

    experiment: Experiment = "flush"

    def __init__(self, pace: Pace, sessions: int, seed: int) -> None:
        self._steps = [
            Step(experiment="flush", sessions=sessions, cps=cps, duration_s=pace.flush_step_s, corpus=corpus)
            for corpus, cps in pace.flush
        ]
        Random(f"{seed}/flush").shuffle(self._steps)
        self._rounds = pace.flush_rounds

    def next_step(self, seen: Sequence[StepSeen]) -> Step | None:
        """The next of the fixed order."""
        done = sum(one.step.experiment == "flush" for one in seen)
        planned = self.planned()
        return planned[done] if done < len(planned) else None

    def planned(self) -> list[Step]:
        """Every text at every rate, in the seed's order and back in rounds."""
        turns = ([*self._steps] if turn % 2 == 0 else self._steps[::-1] for turn in range(self._rounds))
        return list(chain.from_iterable(turns))

    def more(self) -> list[Step]:
        """None."""
        return []


def cost_s(steps: Sequence[Step], waits: bool = False) -> float:
    """How long these steps take; `waits` where the gateway never comes to an end, and each step gives it up."""
    each_s = OVERHEAD_S + (GRACE_AFTER_PLAN_S if waits else 0.0)
    return sum(step.duration_s + min(2.0, step.duration_s / 10) + each_s for step in steps)


def _rungs(asked: tuple[int, ...], most: int) -> tuple[int, ...]:
    """The pace's rungs up to the most that was asked for, that itself, and doubles between."""
    rungs = [sessions for sessions in asked if sessions < most]
    while rungs and rungs[-1] * 2 < most and rungs[-1] >= asked[-1]:
        rungs.append(rungs[-1] * 2)
    return (*rungs, most)


def _carried(one: StepSeen) -> bool:
    figures = one.figures["service_time_ms"]
    return one.step.experiment == "ladder" and one.served and bool(figures["count"]) and figures["p50"] < CARRIED_MS


def _others_seem_hurt(seen: Sequence[StepSeen]) -> bool:
    return slow_readers_hurt_others(Seen(steps=tuple(seen), after=seen[-1].before)).strength >= HURT_ONCE
