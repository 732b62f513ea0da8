"""`make proof-rates`: each defect in a run of 50 x 20 units a second x 30 s, at a lower and lower rate.

It begins at the target, 1 % of chunks or sessions, and goes down while the defect is found, or up until it is. What
has no rate is turned down by its own dial (ms, seconds, kib), or tried once as it is. The full study takes an hour or
two, so what was measured stays, and `--minutes` does it in pieces.
"""

import argparse
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pytest_wdtts.protocol import chunk_ends
from pytest_wdtts.run import SCENARIOS, plan_run

from .cases import CASES, Case
from .matrix import FOLDER, judge_by_catalogue
from .trial import Trial, order_of, run_once

FULL: dict[str, object] = {"sessions": 50, "cps": 20.0, "duration_s": 30.0}
AT_ONCE = 3
"""One run takes a fifth of a core."""
FILE = FOLDER / "rates.json"
TARGET = 0.01
AS_IT_IS = 0.0


class Ladder(Struct, frozen=True):
    """The values a dial is turned to: down from the target while the defect is found, else up until it is."""

    down: tuple[float, ...]
    up: tuple[float, ...] = ()

    def next_after(self, tried: "list[Tried]") -> float | None:
        """Return the value to try next; None where the lowest that is found is known."""
        done = {one.value for one in tried}
        rungs = self.up if tried and not tried[0].found_by else self.down
        if done & set(rungs) and bool(tried[-1].found_by) is (rungs is self.up):
            return None
        return next((value for value in rungs if value not in done), None)


LADDERS = {
    "rate": Ladder((TARGET, 0.001, 0.0003), up=(0.03, 0.1, 0.3, 1.0)),
    # One of the first four to come is struck, then every hundredth: it is one session already.
    "share": Ladder((TARGET,), up=(0.03, 0.1, 0.3, 1.0)),
    "ms_per_s": Ladder((10, 5, 2.5, 1), up=(20, 40)),
    "ms": Ladder((20, 10, 5, 2.5, 1), up=(40, 80)),
    "seconds": Ladder((2, 1, 0.5)),
    "kib": Ladder((1024, 512, 256), up=(2048, 4096)),
    "": Ladder((AS_IT_IS,)),
    "loop_blocked": Ladder((2000, 1000, 500, 300)),
    "cpu_per_unit": Ladder((8, 4, 2, 1)),
    "log_on_loop": Ladder((16, 8, 4), up=(64, 256)),
}
"""By dial, or by defect where a dial means something else there."""
UNITS = {"ms_per_s": "ms/s", "ms": "ms", "seconds": "s", "kib": "KiB"}
NOT_AT_TARGET: dict[str, str] = {
    "service_drift": "`unit_latency_p99_stable` is red, its own row sees the rise and does not call it certain: chunks "
    "queue behind each other, and it seems that a rise that bends is taken for a level that wanders.",
    "synthesis_on_loop": "at this load it is no slowness but an overload: red are `session_errors`, `missing_units`, "
    "`sent_equals_received` and `session_end`.",
    "cpu_per_unit": "the same: an overload, with errors in place of a trend.",
    "log_on_loop": "the log of an embedded gateway is always taken, so nobody waits for it.",
    "slow_accept": "one slow connection of eighty; only the TTFA of the probes is judged over time.",
    "slow_reader_blocks": "with the scenario's own pauses it stops everybody: red are `isolation_errors`, "
    "`session_errors`, `missing_units` and four more, before a p99 can be compared.",
    "memory_leak": "80 MiB in a run are less than what the row allows for its audio.",
    "unbounded_buffer": "fifteen slow readers kept less than fifty sessions were allowed when this was measured; since "
    "then the row allows for those alone who read slowly or were cut off.",
}
"""Defects that are not found by their own rows at the first value tried, and why."""


class Tried(Struct, frozen=True):
    """One valid run: its own rows that turned red, those that did not, and others that did."""

    value: float
    found_by: list[str]
    green: list[str]
    others: list[str]


class Measured(Struct, frozen=True):
    """One defect: what it is switched on with, which dial was turned, and what came of it, in the order tried."""

    defect: str
    arguments: str
    scenario: str
    dial: str
    tried: list[Tried]

    @property
    def ladder(self) -> Ladder:
        """The values that its dial is turned to."""
        return LADDERS.get(self.defect) or LADDERS[self.dial]

    @property
    def lowest(self) -> Tried | None:
        """The lowest value at which it was found."""
        return min((one for one in self.tried if one.found_by), key=lambda one: one.value, default=None)

    @property
    def found_at_target(self) -> bool:
        """Whether it was found where it was tried first."""
        return bool(self.tried and self.tried[0].found_by)


def begun(case: Case) -> Measured:
    """A defect of which nothing is known yet."""
    dial = case.dial or case.arguments.partition("=")[0]
    dial = dial if dial in LADDERS else ""
    fixed = [pair for pair in case.arguments.split(",") if pair.partition("=")[0] not in ("", dial)]
    return Measured(case.defect, ",".join(fixed), "conformance" if case.conformance else case.scenario, dial, [])


def full_size(case: Case, measured: Measured, value: float) -> Case:
    """The case with its dial at `value` and the scenario's own faults; of its load only the text stays."""
    turned = [f"{measured.dial}={value:g}"] if measured.dial else []
    arguments = ",".join([*turned, *filter(None, [measured.arguments])])
    return replace(case, arguments=arguments, shares={})


def seen(case: Case, value: float, red: list[str], must: frozenset[str]) -> Tried:
    """Sort the red rows of one run."""
    return Tried(
        value,
        [row for row in red if row in must],
        sorted(must - set(red)),
        [row for row in red if row not in must | case.may and "*" not in case.may],
    )


def catalogued(case: Case) -> Tried:
    """What only the catalogue shows: there is no load to put it in."""
    line = judge_by_catalogue(case)
    return seen(case, AS_IT_IS, line.red, frozenset(line.expected))


def try_full(case: Case) -> Trial:
    """Carry a case out at full size, once."""
    return run_once(order_of(case, FULL), case.defect, case.arguments)


def study(cases: list[Case], measured: dict[str, Measured], minutes: float) -> None:
    """Measure what is open, some runs at a time; begin none after `minutes`. Publishes after each run."""
    until_s = time.monotonic() + minutes * 60
    by_defect = {case.defect: case for case in cases}
    waiting = [case.defect for case in cases]
    going: dict[Future[Trial], tuple[str, float]] = {}
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        while True:
            while waiting and len(going) < AT_ONCE and time.monotonic() < until_s:
                defect = waiting.pop(0)
                case, known = by_defect[defect], measured.setdefault(defect, begun(by_defect[defect]))
                value = known.ladder.next_after(known.tried)
                if value is None:
                    continue
                if case.conformance:
                    keep(measured, defect, catalogued(case))
                    continue
                going[pool.submit(try_full, full_size(case, known, value))] = defect, value
            if not going:
                return
            for done in wait(going, return_when=FIRST_COMPLETED).done:
                defect, value = going.pop(done)
                trial = done.result()
                case = by_defect[defect]
                sys.stderr.write(f"{defect} {measured[defect].dial} {value:g}: {sorted(trial.red)} {why_not(trial)}\n")
                if trial.valid:
                    red = [row for row in trial.verdicts if row in trial.red]
                    keep(measured, defect, seen(case, value, red, case.must))
                waiting.append(defect)  # Every target is tried before any lower rate.


def why_not(trial: Trial) -> str:
    """Why a run was no evidence; "" for one that was."""
    return "" if trial.valid else trial.trouble or f"invalid: {trial.observed['run_valid']}"


def keep(measured: dict[str, Measured], defect: str, tried: Tried) -> None:
    """Add one run and publish all."""
    known = measured[defect]
    measured[defect] = replace(known, tried=[*known.tried, tried])
    everything = [measured.get(case.defect) or begun(case) for case in CASES]
    FOLDER.mkdir(parents=True, exist_ok=True)
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(everything), indent=1) + b"\n")
    (FOLDER / "rates.md").write_text(markdown(everything), encoding="utf-8")


def chunks_of_a_run() -> int:
    """The chunks that a healthy gateway makes of the full-size load."""
    plan = plan_run(SCENARIOS["baseline"], "count", FULL, {})
    return sum(len(chunk_ends(session.text)) for session in plan.sessions)


def markdown(measured: list[Measured]) -> str:
    """The table for people."""
    rated = [one for one in measured if one.dial in ("rate", "share") and one.tried]
    found = sum(one.found_at_target for one in rated)
    lines = [
        "# Lowest rates found",
        "",
        f"Written by `make proof-rates`: runs of {FULL['sessions']} sessions, {FULL['cps']:g} units a second, "
        f"{FULL['duration_s']:g} s, one run for each value, with the scenarios' own faults. A run in which the "
        "generator was late is repeated and never counted. "
        f"**{found} of the {len(rated)} defects that strike a share are found where it is 1 %.**",
        "",
        f"`rate` is a share of all chunks, by chance; a healthy run has {chunks_of_a_run():,}. `share` is one of the "
        "sessions that come to where the defect lurks: one of the first four, then every hundredth. At 1 % that is one "
        "single session, and less there is not.",
        "",
        "| defect | turned | found at | not found at | by, at the lowest | expected, but green there |",
        "|---|---|---|---|---|---|",
    ]
    reasons = [f"- `{defect}`: {why}" for defect, why in NOT_AT_TARGET.items()]
    notes = ["", "What is not found at the first value tried:", "", *reasons] if reasons else []
    return "\n".join([*lines, *(_line(one) for one in measured), *notes]) + "\n"


def _line(one: Measured) -> str:
    found = [_value(one, tried.value) for tried in one.tried if tried.found_by]
    missed = [_value(one, tried.value) for tried in one.tried if not tried.found_by]
    by, green = (one.lowest.found_by, one.lowest.green) if one.lowest else ([], [])
    name = f"{one.defect}:{one.arguments}" if one.arguments else one.defect
    cells = (
        f"`{name}`",
        one.dial or one.scenario,
        ", ".join(found) if one.tried else "not measured yet",
        ", ".join(missed),
        f"{len(by)} cases" if one.scenario == "conformance" else _rows(by),
        _rows(green),
    )
    return f"| {' | '.join(cell or '-' for cell in cells)} |"


def _value(one: Measured, value: float) -> str:
    if not one.dial:
        return "as it is"
    return f"{value:g} {UNITS[one.dial]}" if one.dial in UNITS else f"{value * 100:g} %"


def _rows(rows: list[str]) -> str:
    return " ".join(f"`{row}`" for row in rows)


def main() -> int:
    """Measure the defects that are named anew, or go on with all that are open."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("defects", nargs="*", help="measure these anew")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after this time")
    arguments = parser.parse_args()
    known = msgspec.json.decode(FILE.read_bytes(), type=list[Measured]) if FILE.exists() else []
    measured = {one.defect: one for one in known if one.defect not in arguments.defects}
    study([c for c in CASES if c.defect in (arguments.defects or [c.defect])], measured, arguments.minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
