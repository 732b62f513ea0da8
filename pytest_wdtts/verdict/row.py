"""A row of the checklist: what was judged, what was seen, and the sessions and times that prove it."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from ..clock import NS_PER_S
from ..load import names_probe

MOST_EVIDENCE = 20


class Verdict(StrEnum):
    """What can be said of one row."""

    PASS = "pass"
    FAIL = "fail"
    NOT_ASSESSABLE = "not_assessable"
    INVALID = "invalid"


class Evidence(Struct, frozen=True):
    """One thing that was seen: in which session, when (seconds from the run's origin), what."""

    session: str
    at_s: float
    what: str


class Row(Struct, frozen=True):
    """One line of the checklist. `observed` and `limit` are for people.

    `evidence` has the first `MOST_EVIDENCE` pieces, those of probes where the planned load leaves room; `seen` counts
    all that were found, `sessions` the sessions that they name, and `when_s` has every whole second of the run in
    which one lies.
    """

    id: str
    verdict: Verdict
    observed: str
    limit: str
    evidence: tuple[Evidence, ...] = ()
    seen: int = 0
    sessions: int = 0
    when_s: tuple[int, ...] = ()


def evidence(session: str, at_ns: int, what: str) -> Evidence:
    """One piece of evidence."""
    return Evidence(session, round(at_ns / NS_PER_S, 6), what)


def judged(row_id: str, found: Iterable[Evidence], observed: str, limit: str, nothing: str = "") -> Row:
    """Fail with what was found, pass where nothing was.

    `nothing` says why there was nothing to look at, if so: what nobody looked at has not passed.
    """
    pieces = sorted(found, key=lambda piece: piece.at_s)
    if nothing and not pieces:
        return Row(row_id, Verdict.NOT_ASSESSABLE, nothing, limit)
    verdict = Verdict.FAIL if pieces else Verdict.PASS
    # Where all sessions fail the short probes do so first, and would be all that is shown.
    shown = sorted(pieces, key=lambda piece: names_probe(piece.session))[:MOST_EVIDENCE]
    return Row(
        row_id,
        verdict,
        observed,
        limit,
        tuple(sorted(shown, key=lambda piece: piece.at_s)),
        seen=len(pieces),
        sessions=len({piece.session for piece in pieces if piece.session}),
        when_s=tuple(sorted({int(piece.at_s) for piece in pieces})),
    )
