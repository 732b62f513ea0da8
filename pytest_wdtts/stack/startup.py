"""In which phase a service's start is, for how long, and why it failed: read from its log by a table of meanings."""

import re
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from msgspec import Struct, convert
from msgspec.structs import replace

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)")
_SHARDS = re.compile(r"\b(\d+)\s*/\s*(\d+)\b")
_PROOF_LINES = 4


class Phase(Struct, frozen=True):
    """One step of the start, in the order of the table."""

    name: str
    meaning: str
    patterns: list[str]
    usual: str = ""
    begins_again: list[str] = []
    """Patterns of lines that mean that all before was an earlier start."""


class Failure(Struct, frozen=True):
    """One way to fail."""

    name: str
    patterns: list[str]
    cause: str
    next: str


class Table(Struct, frozen=True):
    """The whole table."""

    phase: list[Phase]
    failure: list[Failure]


class Startup(Struct, frozen=True):
    """What a log says. Empty strings where it says nothing of it; `since_s` is None without times in the log."""

    phase: str = ""
    meaning: str = ""
    usual: str = ""
    shards: str = ""
    since_s: float | None = None
    failure: str = ""
    cause: str = ""
    next: str = ""
    proof: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it serves."""
        return self.phase == "ready" and not self.failure


@cache
def startup_table() -> Table:
    """Return the table, read once."""
    text = files(__package__).joinpath("startup.toml").read_text(encoding="utf-8")
    return convert(tomllib.loads(text), Table)


def read_startup(log: str, now: datetime | None = None) -> Startup:
    """Read a log of any service. `now` (aware) dates the phase of a start that still goes on."""
    table = startup_table()
    phase: Phase | None = None
    shards, proof, began, first, last = "", "", None, 0, None
    lines = log.splitlines()
    for number, line in enumerate(lines):
        time = _time_of(line)
        last = time or last
        found = next((one for one in table.phase if _matches(one.patterns, line)), None)
        if found is None:
            continue
        if _matches(found.begins_again, line):
            first = number
        if found is not phase:
            phase, began, shards = found, time or last, ""
        proof = line.strip()
        if found.name == "weights" and (counted := _SHARDS.search(line)):
            shards = f"{counted[1]}/{counted[2]}"
    end = now or last
    known = Startup(
        phase=phase.name if phase else "",
        meaning=phase.meaning if phase else "",
        usual=phase.usual if phase else "",
        shards=shards,
        since_s=max(0.0, (end - began).total_seconds()) if end and began else None,
        proof=(proof,) if proof else (),
    )
    if known.phase == "ready":
        return known
    return _with_failure(known, lines[first:])


def _with_failure(known: Startup, lines: Sequence[str]) -> Startup:
    for failure in startup_table().failure:
        proof = list(dict.fromkeys(line.strip() for line in lines if _matches(failure.patterns, line)))
        if proof:
            return replace(
                known,
                failure=failure.name,
                cause=failure.cause,
                next=failure.next,
                proof=tuple(proof[-_PROOF_LINES:]),
            )
    return known


def _matches(patterns: Sequence[str], line: str) -> bool:
    return any(_compiled(pattern).search(line) for pattern in patterns)


@cache
def _compiled(pattern: str) -> "re.Pattern[str]":
    return re.compile(pattern, re.IGNORECASE)


def _time_of(line: str) -> datetime | None:
    found = _TIME.search(line[:80])
    if not found:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    except ValueError:
        return None
