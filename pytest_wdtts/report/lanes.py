"""Sessions as swim-lanes, the worst first; a big run is sampled, but a failing session is never left out."""

from ..clock import NS_PER_S
from ..ledger import SessionLedger
from ..record import EventKind, SessionRecord
from ..verdict import Row, Verdict
from ..verdict.case import Case
from .model import Interval, Lane

MOST_SOUND_LANES = 60
MOST_MARKS = 400
_CONNECTED = (EventKind.OPENING,)
_PARTED = (EventKind.CLOSED, EventKind.FAILED, EventKind.FAULT)
_ROUTINE = (EventKind.OPENED, EventKind.ACKED)


def fault_intervals(case: Case) -> list[Interval]:
    """Every fault that met a session, or the gateway itself, from injection to heal, in order of time."""
    found = [
        Interval(fault=broken.how, session="", start_s=_seconds(broken.at_ns), end_s=_seconds(broken.healed_ns))
        for broken in case.result.gateway_faults
    ]
    for record in case.result.sessions:
        open_fault: tuple[int, str] | None = None
        for event in record.events:
            if event.kind is EventKind.FAULT:
                open_fault = (event.at_ns, event.detail)
            elif event.kind is EventKind.HEALED and open_fault:
                found.append(_interval(record, *open_fault, event.at_ns))
                open_fault = None
            elif event.kind is EventKind.CANCEL_SENT:
                found.append(_interval(record, event.at_ns, "cancel", event.at_ns))
        if open_fault:
            found.append(_interval(record, *open_fault, case.result.end_ns))
    return sorted(found, key=lambda interval: (interval.start_s, interval.session))


def draw_lanes(case: Case, rows: list[Row]) -> tuple[list[Lane], int]:
    """Return the lanes, the most trouble first, and how many sound sessions were left out.

    A probe has a lane only where it is in trouble: rows judge it too, and name it.
    """
    named = {piece.session for row in rows if row.verdict is Verdict.FAIL for piece in row.evidence}
    graded = []
    for record, ledger in zip(case.records, case.ledgers, strict=True):
        trouble = _trouble(case, record, ledger)
        graded.append((trouble, record.plan.session_id in named, record))
    failing = sorted((g for g in graded if g[0] or g[1]), key=lambda g: (-g[0], not g[1], g[2].plan.index))
    sound = [g for g in graded if not (g[0] or g[1] or g[2].plan.probe)]
    kept = sound[:: -(-len(sound) // MOST_SOUND_LANES)] if sound else []
    return [_lane(case, *g) for g in (*failing, *kept)], len(sound) - len(kept)


def _trouble(case: Case, record: SessionRecord, ledger: SessionLedger) -> int:
    return len(case.errors(record, unexplained_only=True)) + sum(
        map(len, (ledger.unexplained_missing, ledger.duplicate, ledger.mismatched, ledger.unexpected))
    )


def _lane(case: Case, trouble: int, failing: bool, record: SessionRecord) -> Lane:
    step = max(1, -(-len(record.received_ns) // MOST_MARKS))
    return Lane(
        id=record.plan.session_id,
        index=record.plan.index,
        trouble=trouble,
        failing=failing,
        alive_s=_alive(record, case.result.end_ns),
        chunks_at_s=[_seconds(at_ns) for at_ns in record.received_ns[::step]],
        events=[
            (_seconds(event.at_ns), event.kind.value, event.detail)
            for event in record.events[:MOST_MARKS]
            if event.kind not in _ROUTINE
        ],
    )


def _alive(record: SessionRecord, end_ns: int) -> list[tuple[float, float]]:
    """The spans in which the session had a connection; a slow reader keeps its own."""
    spans: list[tuple[float, float]] = []
    since_ns: int | None = None
    for event in record.events:
        if event.kind in _CONNECTED:
            since_ns = event.at_ns
        elif event.kind in _PARTED and event.detail != "slow_reader" and since_ns is not None:
            spans.append((_seconds(since_ns), _seconds(event.at_ns)))
            since_ns = None
    if since_ns is not None:
        spans.append((_seconds(since_ns), _seconds(end_ns)))
    return spans


def _interval(record: SessionRecord, start_ns: int, fault: str, end_ns: int) -> Interval:
    return Interval(fault=fault, session=record.plan.session_id, start_s=_seconds(start_ns), end_s=_seconds(end_ns))


def _seconds(at_ns: int) -> float:
    return round(at_ns / NS_PER_S, 3)
