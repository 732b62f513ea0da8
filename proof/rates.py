"""`make proof-rates`: the lowest rate at which each defect is still found, in a run of 50 x 20 units a second x 30 s.

It begins at 1 % and goes down while the defect is found, or up until it is. What was measured before stays; a
full study takes hours, so it may be done defect by defect.
"""

import argparse
import sys

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .cases import CASES, Case
from .matrix import FOLDER
from .trial import try_case

FULL: dict[str, object] = {"sessions": 50, "cps": 20.0, "duration_s": 30.0}
TARGET = 0.01
DOWN = (0.003, 0.001, 0.0003)
UP = (0.03, 0.1, 0.3, 1.0)
FILE = FOLDER / "rates.json"


class Measured(Struct, frozen=True):
    """Rates tried of one defect: at which it was found, and at which not. Invalid runs count for neither."""

    defect: str
    kind: str
    found: list[float]
    overlooked: list[float]


def rated(case: Case) -> str:
    """Return "rate" or "share", whichever the case is switched on with; "" for a defect that has neither."""
    kind = case.arguments.partition("=")[0]
    return kind if kind in ("rate", "share") else ""


def is_found(case: Case, rate: float) -> bool | None:
    """Whether all expected rows turn red at this rate; None where the machine was too slow to say."""
    _, _, others = case.arguments.partition(",")
    arguments = f"{rated(case)}={rate:g}" + (f",{others}" if others else "")
    shares = {name: fields for name, fields in case.shares.items() if case.scenario != "mixed"}
    trial = try_case(replace(case, arguments=arguments, load={}, shares=shares), FULL)
    sys.stderr.write(f"{case.defect}:{arguments} {sorted(trial.red)} {trial.trouble}\n")
    return case.must <= trial.red if trial.valid else None


def measure(case: Case) -> Measured:
    """Go down from the target while it is found, or up until it is."""
    found: list[float] = []
    overlooked: list[float] = []

    def try_rate(rate: float) -> bool | None:
        seen = is_found(case, rate)
        if seen is not None:
            (found if seen else overlooked).append(rate)
        return seen

    if try_rate(TARGET):
        for rate in DOWN:
            if not try_rate(rate):
                break
    else:
        for rate in UP:
            if try_rate(rate):
                break
    return Measured(case.defect, rated(case), found, overlooked)


def markdown(measured: list[Measured]) -> str:
    """The table for people."""
    lines = [
        "# Lowest rates found",
        "",
        "Measured by `make proof-rates` in runs of 50 sessions, 20 units a second, 30 s, one run for each rate, with "
        "the scenarios' own faults. `rate` is a share of all chunks, `share` one of sessions that come to where the "
        "defect lurks; it strikes one of the first twenty-five of them however small it is, so below 1 in 50 it is one "
        "single session. Defects that are not listed were not measured at this size.",
        "",
        "| defect | of | found at | not found at |",
        "|---|---|---|---|",
    ]
    for one in measured:
        found, overlooked = (", ".join(f"{rate:.2%}" for rate in rates) or "-" for rates in (one.found, one.overlooked))
        lines.append(f"| `{one.defect}` | {one.kind} | {found} | {overlooked} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure the defects that are named, or all that were not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("defects", nargs="*")
    chosen = parser.parse_args().defects
    measured = msgspec.json.decode(FILE.read_bytes(), type=list[Measured]) if FILE.exists() else []
    done = {one.defect for one in measured}
    FOLDER.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if rated(case) and (case.defect in chosen if chosen else case.defect not in done):
            measured = [one for one in measured if one.defect != case.defect] + [measure(case)]
            FILE.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=1) + b"\n")
            (FOLDER / "rates.md").write_text(markdown(measured), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
