"""How many sessions the gateway carries under an objective, as an interval: from the ladder alone."""

from msgspec import Struct

from .objective import Objective
from .seen import StepSeen


class Capacity(Struct, frozen=True, kw_only=True):
    """The objective held at `held` sessions and broke at `broken` (0: it never broke).

    `generator_gave_out` is the smallest load at which our own generator was late in every try (0: nowhere): from
    there on nothing is known of the gateway. `wavered` is the smallest load at which the objective once held and once
    broke (0: none).
    """

    held: int = 0
    broken: int = 0
    generator_gave_out: int = 0
    wavered: int = 0
    cps: float = 0.0

    @property
    def known(self) -> bool:
        """Whether the knee lies in the interval, and not above all that was tried."""
        return self.broken > 0


def find_capacity(ladder: list[StepSeen], objective: Objective) -> Capacity:
    """Find the interval: a load that once held and once broke lies inside of it."""
    by_sessions: dict[int, list[StepSeen]] = {}
    for seen in ladder:
        by_sessions.setdefault(seen.step.sessions, []).append(seen)
    held = broken = gave_out = wavered = 0
    for sessions, tries in sorted(by_sessions.items()):
        valid = [objective.holds(seen) for seen in tries if seen.valid]
        if not valid:
            gave_out = gave_out or sessions
            continue
        gave_out = 0
        if all(valid) and not broken:
            held = sessions
        elif not any(valid):
            broken = broken or sessions
        elif not all(valid):
            wavered = wavered or sessions
    return Capacity(
        held=held,
        broken=broken,
        generator_gave_out=gave_out,
        wavered=wavered,
        cps=ladder[0].step.cps if ladder else 0.0,
    )
