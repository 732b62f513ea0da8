"""`make proof-clean`: many healthy runs on a machine that a second process keeps busy; counts the red rows.

A red row here is a false alarm. A run for which the machine was too slow has to say `invalid` and blame nobody.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import cycle, islice
from multiprocessing import get_context

import msgspec
from msgspec import Struct

from pytest_wdtts.gate import Order

from .matrix import FOLDER
from .trial import AT_ONCE, Trial, run_once

STATISTICAL = {
    "ttfa_p99_stable",
    "unit_latency_p99_stable",
    "service_time_p99_stable",
    "isolation_latency",
    "internal_error_ratio",
    "gateway_resources",
}
MOST_STATISTICAL = 0.01
LOAD: dict[str, object] = {"sessions": 6, "cps": 20.0, "duration_s": 6.0}


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


def clean_orders(runs: int) -> Iterator[Order]:
    """The three scenarios in turn, each run with a seed of its own."""
    for number, scenario in enumerate(islice(cycle(("baseline", "mixed", "heavy")), runs)):
        yield Order(scenario=scenario, load=LOAD | {"seed": number + 1}, stack="embedded")


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


def run_clean(runs: int) -> Counts:
    """Carry the clean runs out, two at a time, and count."""
    trials: list[Trial] = []
    with busy_machine(), ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(run_once, order) for order in clean_orders(runs)]):
            trials.append(done.result())
            if trials[-1].red or trials[-1].trouble:
                sys.stderr.write(f"{trials[-1]}\n")
    return count(trials)


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
        f"Written by `make proof-clean`: {counts.runs} healthy runs (baseline, mixed, heavy in turn; "
        f"{LOAD['sessions']} sessions, {LOAD['cps']:g} units a second, {LOAD['duration_s']:g} s; two at a time) while "
        "a second process computed without a pause.",
        "",
        f"Runs that the machine was too slow for (`invalid`, no gateway blamed): **{counts.invalid}**.",
        "",
        "| row | judged in runs | red |",
        "|---|---|---|",
        *(f"| `{row}` | {judged} | {counts.red.get(row, 0)} |" for row, judged in counts.assessed.items()),
        *(["", "Red:", "", *(f"- {line}" for line in counts.observed)] if counts.observed else []),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the counts; 0 where the promise was kept, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=102)
    counts = run_clean(parser.parse_args().runs)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "false_alarms.json").write_bytes(msgspec.json.format(msgspec.json.encode(counts), indent=1) + b"\n")
    (FOLDER / "false_alarms.md").write_text(markdown(counts), encoding="utf-8")
    sys.stdout.write(f"{counts.runs} runs, {counts.invalid} invalid, red: {counts.red or 'none'}\n")
    return int(not counts.kept)


if __name__ == "__main__":
    sys.exit(main())
