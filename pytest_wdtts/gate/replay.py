"""The one line that runs the same plan again."""

import shlex
from pathlib import Path

from msgspec import convert, to_builtins
from msgspec.structs import replace

from ..errors import UsageError
from ..load import LoadPlan
from ..record import RunHeader
from ..run import SCENARIOS
from ..transport import public_url
from .order import Order

_SAID_BY_OPTIONS = ("seed", "sessions", "cps", "duration_s", "corpus")


def to_header(order: Order) -> dict[str, object]:
    """The order as the journal keeps it: all of it but the key, and where its parts were driven."""
    fields: dict[str, object] = to_builtins(replace(order, api_key="", url=public_url(order.url), cluster=""))
    return fields


def from_header(header: RunHeader) -> Order:
    """The order that a journal keeps, with the seed that the run had. Raises `UsageError` where it has none."""
    if not header.order:
        raise UsageError("this journal keeps no order: it was not written by an ordinary run, and cannot be replayed")
    order = convert(header.order, Order)
    return replace(order, load=order.load | {"seed": header.load.seed})


def replay_command(header: RunHeader, journal: Path) -> str:
    """Say how to run it again: by options where those say everything, else from the journal.

    Both work from an installed wheel, far from any checkout.
    """
    load = header.load
    order = convert(header.order, Order) if header.order else Order(scenario=header.scenario)
    usual = LoadPlan()
    unsaid = [
        name for name, value in order.load.items() if name not in _SAID_BY_OPTIONS and value != getattr(usual, name)
    ]
    if header.scenario not in SCENARIOS or order.shares or unsaid:
        return f"wdtts replay {shlex.quote(str(journal))}"
    words = ["wdtts", "accept", "--scenario", header.scenario]
    if header.stack == "external":
        words += ["--url", header.url]
    words += [
        "--",
        "--wdtts-seed",
        str(load.seed),
        "--wdtts-sessions",
        str(load.sessions),
        "--wdtts-cps",
        f"{load.cps:g}",
    ]
    words += ["--wdtts-duration", f"{load.duration_s:g}", "--wdtts-corpus", load.corpus]
    if order.defects:
        words += ["--wdtts-defect", ";".join(order.defects)]
    return shlex.join(words)
