"""One diagnosis from order to conclusion: one gateway, one step after another, evidence first."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from msgspec import Struct, ValidationError, convert
from msgspec.structs import replace

from ..attribution import (
    DEFAULT_OBJECTIVE,
    Diagnosis,
    Look,
    Objective,
    Seen,
    Step,
    StepSeen,
    diagnose,
    observe,
    read_objective,
)
from ..errors import OwnFailure, UsageError
from ..gate import Order, sigterm_is_ctrl_c
from ..gate.live import LiveGateway
from ..gate.open_files import need_files
from ..gate.outcome import make_directory, new_run_id
from ..report.diagnosis import DiagnosisReport, build_diagnosis, write_diagnosis
from ..run.environment import describe_machine
from ..transport import public_url
from .evidence import EndLine, Head, StepLine, append, begin, read_evidence
from .experiments import QUICK, THOROUGH, Flush, Ladder, NextStep, Pace, SlowReaders, cost_s
from .look import look

Told = Callable[[str], None]
MOST_SESSIONS = 50
MOST_AGAIN = 2
"""How often one step is taken again, so that a bad minute does not use up the tries of all."""


class DiagnosisOrder(Struct, frozen=True, kw_only=True):
    """What is asked: where the gateway is (`order`, whose scenario and load are not used), and how thoroughly."""

    order: Order
    objective: str = DEFAULT_OBJECTIVE
    max_sessions: int = MOST_SESSIONS
    cps: float = 20.0
    corpus: str = "zh_high_punct"
    seed: int = 1
    quick: bool = False

    @classmethod
    def of(cls, order: Order, fields: Mapping[str, object]) -> Self:
        """Make one of named fields. Raises `UsageError` naming a wrong one and the valid names."""
        valid = [name for name in cls.__struct_fields__ if name != "order"]
        if unknown := sorted(set(fields) - set(valid)):
            raise UsageError(f"diagnose has no {', '.join(unknown)}: valid are {', '.join(valid)}")
        try:
            return convert({**fields, "order": order}, cls)
        except ValidationError as error:
            raise UsageError(f"diagnose: {error}") from None

    @property
    def pace(self) -> Pace:
        """How thorough it is."""
        return QUICK if self.quick else THOROUGH

    def experiments(self, objective: Objective) -> list[NextStep]:
        """All of them, in order: what the ladder finds bounds what the others may ask."""
        pace = self.pace
        few = min(pace.rungs[0], self.max_sessions)
        return [
            Ladder(pace, self.cps, self.corpus, self.max_sessions, objective),
            SlowReaders(pace, self.corpus, self.seed),
            Flush(pace, few, self.seed),
        ]


class Concluded(Struct, frozen=True, kw_only=True):
    """A diagnosis with all that it rests on."""

    head: Head
    seen: Seen
    end: EndLine
    diagnosis: Diagnosis
    directory: str


class DiagnosisInterrupted(KeyboardInterrupt):
    """Ctrl-C within a diagnosis; `concluded` is what its steps until then show."""

    def __init__(self, concluded: Concluded) -> None:
        super().__init__()
        self.concluded = concluded


def estimate_s(asked: DiagnosisOrder) -> tuple[float, float]:
    """What it will cost in time, in seconds: where nothing is wrong, and where every step waits for the gateway.

    Raises `UsageError`.
    """
    experiments = asked.experiments(read_objective(asked.objective))
    steps = [step for one in experiments for step in one.planned()]
    for number, step in enumerate(steps):
        _order_of(asked, step, number).plan("check")
    return cost_s(steps), cost_s([*steps, *(step for one in experiments for step in one.more())], waits=True)


@sigterm_is_ctrl_c()
def carry_out_diagnosis(asked: DiagnosisOrder, tell: Told = lambda words: None) -> Concluded:
    """Carry all experiments out and judge them.

    A gateway that dies is a finding. Raises `UsageError` for what cannot be asked, `StackError` where there is no
    gateway, `OwnFailure` where the evidence cannot be kept. Ctrl-C or SIGTERM ends it in order, with what was seen
    until then: `DiagnosisInterrupted`.
    """
    objective = read_objective(asked.objective)
    _, most_s = estimate_s(asked)
    need_files(asked.max_sessions)
    directory = make_directory(asked.order.report_dir)
    began_s = time.monotonic()
    with LiveGateway(asked.order) as live:
        head = Head(
            objective=objective.text,
            seed=asked.seed,
            url=public_url(live.gateway.url),
            stack=live.stack.name,
            gateway=live.gateway.health,
            environment=describe_machine(),
        )
        folder = begin(directory, head)
        try:
            steps, stopped = _drive_all(asked, objective, live, folder, tell)
            after = look(live, f"wdtts-{new_run_id()}-after")
        except KeyboardInterrupt:
            took_s = time.monotonic() - began_s
            append(folder, EndLine(Look(), f"interrupted after {took_s:.0f} s; it may take {most_s:.0f} s", took_s))
            raise DiagnosisInterrupted(conclude_diagnosis(directory)) from None
    end = EndLine(after, stopped, round(time.monotonic() - began_s, 1))
    append(folder, end)
    seen = Seen(steps=tuple(steps), after=after)
    return Concluded(head=head, seen=seen, end=end, diagnosis=diagnose(seen, objective), directory=str(directory))


def conclude_diagnosis(directory: Path) -> Concluded:
    """Judge saved steps again, offline. Raises `UsageError`."""
    head, seen, end = read_evidence(directory)
    diagnosis = diagnose(seen, read_objective(head.objective))
    return Concluded(head=head, seen=seen, end=end, diagnosis=diagnosis, directory=str(directory))


def _may_try_again(step: Step, lost: list[StepSeen], pace: Pace) -> bool:
    """Whether this step, and its experiment, have a try left."""
    of_experiment = sum(one.step.experiment == step.experiment for one in lost)
    return sum(one.step == step for one in lost) < MOST_AGAIN and of_experiment < pace.tries_again


def write_concluded(concluded: Concluded) -> tuple[DiagnosisReport, list[Path]]:
    """Write the report beside the evidence. Raises `OwnFailure` where that cannot be."""
    head, end = concluded.head, concluded.end
    report = build_diagnosis(
        concluded.diagnosis,
        concluded.seen,
        read_objective(head.objective),
        stopped=end.stopped,
        took_s=end.took_s,
        url=head.url,
        stack=head.stack,
        seed=head.seed,
        gateway=head.gateway,
        environment=head.environment,
    )
    try:
        return report, write_diagnosis(report, Path(concluded.directory))
    except OSError as error:
        raise OwnFailure(f"{error.filename} cannot be written ({error.strerror}): see --report") from None


def _drive_all(
    asked: DiagnosisOrder, objective: Objective, live: LiveGateway, folder: Path, tell: Told
) -> tuple[list[StepSeen], str]:
    """Carry the steps out, and say why they ended early, "" where they did not.

    One for which our machine was too slow is taken again, while the pace has tries left.
    """
    steps: list[StepSeen] = []
    lost: list[StepSeen] = []
    for experiment in asked.experiments(objective):
        while step := experiment.next_step([one for one in steps if one not in lost]):
            number = len(steps)
            run_id = f"{new_run_id()}-{number:02}"
            before = look(live, f"wdtts-{run_id}-look")
            if not before.alive:
                return steps, f"the gateway does not answer any more: {before.trouble}"
            tell(described(step, number))
            order = _order_of(asked, step, number)
            journal, plan = f"{order.scenario}.jsonl", order.plan(run_id)
            append(folder, StepLine(step, before, journal))
            steps.append(observe(step, journal, before, live.drive(plan, order, folder / journal)))
            again = _may_try_again(step, lost, asked.pace)
            if again and not steps[-1].valid:
                lost.append(steps[-1])
                tell(f"step {number + 1} is no evidence ({steps[-1].validity}): again")
    return steps, ""


def described(step: Step, number: int) -> str:
    """One step in words, for whoever waits."""
    slow = f", {step.slow_share:.0%} stop reading for {step.slow_pause_s:g} s" if step.slow_share else ""
    return (
        f"step {number + 1}, {step.experiment}: {step.sessions} sessions at {step.cps:g} units/s, "
        f"{step.duration_s:g} s, {step.corpus}{slow}"
    )


def _order_of(asked: DiagnosisOrder, step: Step, number: int) -> Order:
    """The order of one step: all steps have the same seed, so all else stays as it is."""
    slow = {"percent": step.slow_share, "pause_s": step.slow_pause_s, "waves": 1}
    return replace(
        asked.order,
        scenario=f"step-{number:02}-{step.experiment}",
        load={
            "sessions": step.sessions,
            "cps": step.cps,
            "duration_s": step.duration_s,
            "corpus": step.corpus,
            "seed": asked.seed,
            "loop": True,
        },
        shares={"slow_reader": slow} if step.slow_share else {},
    )
