"""`make proof-clean`: many healthy runs on a machine that a second process keeps busy; counts the red rows.

A red row here is a false alarm. A run for which the machine was too slow has to say `invalid` and blame nobody.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

import msgspec
from msgspec import Struct

from pytest_wdtts.gate import Order

from .matrix import FOLDER
from .trial import AT_ONCE, Trial, run_once

T = TypeVar("T")
STATISTICAL = {
    "ttfa_p99_stable",
    "unit_latency_p99_stable",
    "service_time_p99_stable",
    "isolation_latency",
    "internal_error_ratio",
    "gateway_resources",
}
MOST_STATISTICAL = 0.01
LOADS: dict[str, dict[str, object]] = {
    "baseline": {"sessions": 6, "cps": 20.0, "duration_s": 6.0},
    "mixed": {"sessions": 6, "cps": 20.0, "duration_s": 6.0},
    # So long that slow readers reach the bound, with enough calm to compare with: else two rows say nothing.
    "heavy": {"sessions": 14, "cps": 20.0, "duration_s": 30.0},
}


class Counts(Struct, frozen=True):
    """What all clean runs came to."""

    runs: int
    invalid: int
    red: dict[str, int]
    assessed: dict[str, int]
    observed: list[str]

    @property
    def kept(self) -> bool:
        """Whether the promise was kept: no red row that counts, and next to none that is statistical."""
        counted = [row for row in self.red if row not in STATISTICAL]
        return not counted and all(self.red[row] <= MOST_STATISTICAL * self.assessed[row] for row in self.red)

    def plus(self, more: "Counts") -> "Counts":
        """Return the counts of both."""
        return Counts(
            self.runs + more.runs,
            self.invalid + more.invalid,
            dict(Counter(self.red) + Counter(more.red)),
            dict(Counter(self.assessed) + Counter(more.assessed)),
            self.observed + more.observed,
        )


def clean_order(number: int) -> Order:
    """The run of this number: the three scenarios in turn, each run with a seed of its own."""
    scenario = list(LOADS)[number % len(LOADS)]
    return Order(scenario=scenario, load=LOADS[scenario] | {"seed": number + 1}, stack="embedded")


@contextmanager
def busy_machine() -> Iterator[None]:
    """Keep one core's worth of the machine busy with something else."""
    burner = get_context("spawn").Process(target=burn, daemon=True)
    burner.start()
    try:
        yield
    finally:
        burner.kill()
        burner.join()


def burn() -> None:
    """Compute for ever."""
    number = 1
    while True:
        number = number * 3 % 1_000_003


def run_clean(first: int, runs: int, minutes: float = float("inf")) -> Counts:
    """Carry clean runs out, and count; begin none after `minutes`."""
    trials: list[Trial] = []
    for trial in try_beside_load(run_once, map(clean_order, range(first, first + runs)), minutes):
        trials.append(trial)
        if trial.red or trial.trouble:
            sys.stderr.write(f"{trial}\n")
    return count(trials)


def try_beside_load(work: Callable[[T], Trial], asked: Iterator[T], minutes: float) -> Iterator[Trial]:
    """Try what is asked on a busy machine, two at a time, each in a process of its own; begin none after `minutes`."""
    until_s = time.monotonic() + minutes * 60
    with busy_machine(), ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        going: set[Future[Trial]] = {pool.submit(work, one) for one in islice(asked, AT_ONCE)}
        while going:
            done, going = wait(going, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()
                if time.monotonic() < until_s:
                    going |= {pool.submit(work, one) for one in islice(asked, 1)}


def count(trials: list[Trial]) -> Counts:
    """Count red rows, by row, and the runs in which each could be judged at all."""
    return Counts(
        runs=len(trials),
        invalid=sum(not trial.valid for trial in trials),
        red=dict(Counter(row for trial in trials for row in sorted(trial.red))),
        assessed=dict(
            Counter(row for trial in trials for row, verdict in trial.verdicts.items() if verdict in ("pass", "fail"))
        ),
        observed=[f"{t.scenario} {row}: {t.observed[row]}" for t in trials for row in sorted(t.red)],
    )


def markdown(counts: Counts) -> str:
    """The counts for people."""
    lines = [
        "# False alarms",
        "",
        f"Written by `make proof-clean`: {counts.runs} healthy runs, two at a time, while another process computed "
        f"without a pause. In turn: {', '.join(f'{scenario} ({_form(load)})' for scenario, load in LOADS.items())}.",
        "",
        f"Runs that the machine was too slow for (`invalid`, no gateway blamed): **{counts.invalid}**.",
        "",
        "| row | judged in runs | red |",
        "|---|---|---|",
        *(f"| `{row}` | {judged} | {counts.red.get(row, 0)} |" for row, judged in counts.assessed.items()),
        *(["", "Red:", "", *(f"- {line}" for line in counts.observed)] if counts.observed else []),
    ]
    return "\n".join(lines) + "\n"


def _form(load: dict[str, object]) -> str:
    return f"{load['sessions']} sessions, {load['cps']:g} units a second, {load['duration_s']:g} s"


def main() -> int:
    """Write the counts; 0 where the promise was kept, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=102)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after this time")
    parser.add_argument("--go-on", action="store_true", help="add to the counts that were published")
    arguments = parser.parse_args()
    file = FOLDER / "false_alarms.json"
    counts = msgspec.json.decode(file.read_bytes(), type=Counts) if arguments.go_on else Counts(0, 0, {}, {}, [])
    counts = counts.plus(run_clean(counts.runs, arguments.runs - counts.runs, arguments.minutes))
    FOLDER.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(counts), indent=1) + b"\n")
    (FOLDER / "false_alarms.md").write_text(markdown(counts), encoding="utf-8")
    sys.stdout.write(f"{counts.runs} runs, {counts.invalid} invalid, red: {counts.red or 'none'}\n")
    return int(not counts.kept)


if __name__ == "__main__":
    sys.exit(main())
