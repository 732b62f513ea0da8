"""What the experiments showed, in plain values: everything that the judges of causes look at."""

from typing import Literal

from msgspec import Struct

from .split import Split

Experiment = Literal["ladder", "slow_readers", "flush"]


class Step(Struct, frozen=True, kw_only=True):
    """One load of one experiment. `slow_share` (0..1) of the sessions stop reading for `slow_pause_s`."""

    experiment: Experiment
    sessions: int
    cps: float
    duration_s: float
    corpus: str
    slow_share: float = 0.0
    slow_pause_s: float = 0.0


class Gap(Struct, frozen=True):
    """A time in which nothing came, though `sessions` waited; then all of them were served at once."""

    start_s: float
    length_ms: float
    sessions: int


class Look(Struct, frozen=True, kw_only=True):
    """The gateway with no load on it: what the way to it costs. -1 (or -1.0) where a figure cannot be had.

    `ping_ms` is a WebSocket ping to its pong, `health_ms` a `GET /healthz`; `transfer_ms` is how long the bytes of
    the audio frames took from first to last, waiting between frames left out.
    """

    alive: bool = True
    trouble: str = ""
    connect_ms: float = -1.0
    ping_ms: float = -1.0
    health_ms: float = -1.0
    transfer_ms: float = -1.0
    transfer_bytes: int = -1
    rss_bytes: int = -1


class StepSeen(Struct, frozen=True, kw_only=True):
    """What one step showed.

    `before` is the idle gateway just before it. `figures` are percentiles in ms by measure: of sessions that the plan
    left alone, `ttfa_ms` of the probes. `valid` says whether our own sending kept to the plan. `refused` sessions never
    opened, `unfinished` were given up at the end. `flush_excess_units` is the p95 of how many units' time a unit waited
    longer for its flush than under v1's rule. `gateway_cpu` is in cores, -1 where it cannot be seen.
    """

    step: Step
    journal: str
    before: Look
    valid: bool
    validity: str
    figures: dict[str, dict[str, float]]
    counts: dict[str, int]
    errors_by_code: dict[str, int]
    refused: int
    unfinished: int
    flush_floor_ms: dict[str, float]
    flush_excess_units: float
    gaps: tuple[Gap, ...]
    chunks_per_s: float
    bytes_per_s: float
    chunk_bytes: float
    gateway_cpu: float = -1.0
    slow_readers: int = 0
    backpressure: int = 0
    unsent_bytes: int = -1
    split: Split | None = None

    def ms(self, measure: str, figure: str = "p95") -> float:
        """One figure; 0 where nothing was measured."""
        return self.figures[f"{measure}_ms"][figure]

    @property
    def served(self) -> bool:
        """Whether every session went its way: nothing refused, given up, failed or lost."""
        return not (self.refused or self.unfinished or self.counts["errors"] or self.counts["missing_units"])


class Seen(Struct, frozen=True, kw_only=True):
    """All steps in the order in which they were carried out, and the idle gateway after the last."""

    steps: tuple[StepSeen, ...]
    after: Look

    def of(self, experiment: Experiment) -> tuple[StepSeen, ...]:
        """The valid steps of one experiment."""
        return tuple(seen for seen in self.steps if seen.valid and seen.step.experiment == experiment)

    @property
    def looks(self) -> tuple[Look, ...]:
        """Every look at the idle gateway, in order."""
        return (*(seen.before for seen in self.steps), self.after)

    @property
    def smallest(self) -> tuple[StepSeen, ...]:
        """The valid tries of the load that the ladder begins with; what it halves later is no part of that."""
        ladder = [one for one in self.steps if one.step.experiment == "ladder"]
        return tuple(one for one in ladder if one.valid and one.step.sessions == ladder[0].step.sessions)

    def rungs(self) -> dict[int, list[StepSeen]]:
        """The valid steps of the ladder by sessions, the smallest first."""
        found: dict[int, list[StepSeen]] = {}
        for seen in sorted(self.of("ladder"), key=lambda seen: seen.step.sessions):
            found.setdefault(seen.step.sessions, []).append(seen)
        return found
