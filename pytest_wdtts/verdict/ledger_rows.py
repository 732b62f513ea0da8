"""Rows that count: every unit, every error, every end. One piece of evidence is enough to fail."""

from collections.abc import Callable

from ..ledger import SessionLedger
from ..record import PLANNED_LEAVE, EventKind, SessionRecord
from .case import Case
from .row import Evidence, Row, evidence, judged

MOST_FLUSHES = 3
"""Late flushes shown of one session: they come in rows."""
SHOWN_UNITS = 24
"""Of a text in evidence: as much as a chunk has by v1's rule."""


def session_errors(case: Case) -> Row:
    """No session ends by an error, fails, or sees the contract broken, but where the plan explains it."""
    by_session = [
        case.errors(record, unexplained_only=True) + case.late_flushes(record)[:MOST_FLUSHES] for record in case.records
    ]
    bad = sum(bool(errors) for errors in by_session)
    found = [piece for errors in by_session for piece in errors]
    return judged("session_errors", found, f"{bad} of {len(case.records)} sessions", "0 unexplained")


def missing_units(case: Case) -> Row:
    """Nothing that was sent stays without audio, but where the plan or the protocol explains it."""
    found = _units(case, lambda ledger: ledger.unexplained_missing, "missing")
    explained = _total(case, lambda ledger: ledger.explained_missing)
    observed = f"{_total(case, lambda ledger: ledger.unexplained_missing)} unexplained"
    observed += f", {explained} explained" if explained else ""
    observed += _of_probes(case, lambda ledger: ledger.unexplained_missing)
    return judged("missing_units", found, observed, "0 unexplained", case.nothing_sent)


def duplicate_units(case: Case) -> Row:
    """No unit comes twice."""
    found = _units(case, lambda ledger: ledger.duplicate, "duplicate")
    observed = f"{_total(case, lambda ledger: ledger.duplicate)}"
    observed += _of_probes(case, lambda ledger: ledger.duplicate)
    return judged("duplicate_units", found, observed, "0", case.nothing_heard)


def mismatched_units(case: Case) -> Row:
    """The text at every index is what was sent there, and no index comes that was never sent."""
    found = _units(case, lambda ledger: ledger.mismatched, "mismatched", _said)
    found += _units(case, lambda ledger: ledger.unexpected, "unexpected (never sent)")
    mismatched = _total(case, lambda ledger: ledger.mismatched)
    unexpected = _total(case, lambda ledger: ledger.unexpected)
    observed = f"{mismatched} mismatched, {unexpected} unexpected"
    observed += _of_probes(case, lambda ledger: ledger.mismatched + ledger.unexpected)
    return judged("mismatched_units", found, observed, "0", case.nothing_heard)


def sent_equals_received(case: Case) -> Row:
    """Sent equals received in every session; what the plan explains as lost counts as accounted for."""
    sent = sum(ledger.sent for ledger in case.load_ledgers)
    received = sum(ledger.received for ledger in case.load_ledgers)
    explained = sum(len(ledger.explained_missing) for ledger in case.load_ledgers)
    found = [
        evidence(ledger.session_id, _last_ns(record), f"{ledger.sent} sent, {ledger.received} received")
        for record, ledger in zip(case.records, case.ledgers, strict=True)
        if ledger.unexplained_missing
    ]
    observed = f"{sent} sent, {received} received" + (f", {explained} explained" if explained else "")
    return judged("sent_equals_received", found, observed, "equal, but for what is explained", case.nothing_sent)


def unit_order(case: Case) -> Row:
    """Units come in order, and `chunk_seq` grows by one."""
    found = _units(case, lambda ledger: ledger.out_of_order, "out of order")
    gaps = 0
    for record, ledger in zip(case.records, case.ledgers, strict=True):
        gaps += len(ledger.seq_gaps)
        found += [
            evidence(
                ledger.session_id,
                record.received_ns[number],
                f"chunk_seq {record.chunk_seq[number]} after {record.chunk_seq[number - 1]}",
            )
            for number in ledger.seq_gaps[:5]
        ]
    total = _total(case, lambda ledger: ledger.out_of_order)
    observed = f"{total} units out of order, {gaps} gaps in chunk_seq"
    return judged("unit_order", found, observed, "0", case.nothing_heard)


def audio_integrity(case: Case) -> Row:
    """The PCM of every chunk is whole and audible; where the engine is known, of the right length and units."""
    found = [
        evidence(ledger.session_id, record.received_ns[number], f"{flags.name} in {_span(record, number)}")
        for record, ledger in zip(case.records, case.ledgers, strict=True)
        for number, flags in ledger.audio_faults
    ]
    chunks = sum(len(record.received_ns) for record in case.records)
    return judged("audio_integrity", found, f"{len(found)} of {chunks} chunks", "0", case.nothing_heard)


def session_end(case: Case) -> Row:
    """After `text_end` or `cancel` comes one `tts_end`, nothing after it, and the server closes."""
    found: list[Evidence] = []
    for record, ledger in zip(case.records, case.ledgers, strict=True):
        session_id = record.plan.session_id
        found += [
            evidence(session_id, event.at_ns, event.detail)
            for event in record.events
            if event.kind is EventKind.END_VIOLATION
        ]
        if ledger.after_end:
            found.append(evidence(session_id, _last_ns(record), f"{ledger.after_end} chunks after the end"))
        if _owes_an_end(record):
            found.append(evidence(session_id, _last_ns(record), "no tts_end"))
    tried = case.cut_short or any(_asked_for_an_end(record) for record in case.records)
    nothing = "" if tried else "no session came to its end"
    return judged("session_end", found, f"{len(found)} sessions with a wrong end", "0", nothing)


def _asked_for_an_end(record: SessionRecord) -> bool:
    return record.has(EventKind.TEXT_END_SENT) or record.has(EventKind.CANCEL_SENT)


def _owes_an_end(record: SessionRecord) -> bool:
    left = any(event.detail == PLANNED_LEAVE for event in record.events)
    over = left or record.has(EventKind.ENDED) or record.has(EventKind.ERROR)
    return _asked_for_an_end(record) and not over


def _units(
    case: Case,
    pick: Callable[[SessionLedger], list[int]],
    word: str,
    more: Callable[[SessionRecord], str] = lambda record: "",
) -> list[Evidence]:
    """A piece of evidence for each session and kind, naming the first units and when they were sent."""
    return [
        evidence(
            ledger.session_id,
            record.sent_ns[units[0]] if 0 <= units[0] < len(record.sent_ns) else _last_ns(record),
            f"{len(units)} {word}: {_listed(units)}{more(record)}",
        )
        for record, ledger in zip(case.records, case.ledgers, strict=True)
        if (units := pick(ledger))
    ]


def _total(case: Case, pick: Callable[[SessionLedger], list[int]]) -> int:
    return sum(len(pick(ledger)) for ledger in case.ledgers)


def _of_probes(case: Case, pick: Callable[[SessionLedger], list[int]]) -> str:
    """How many of a total lie in probes: the summary counts the planned load alone, and the two must add up."""
    count = sum(len(pick(ledger)) for ledger in case.ledgers[len(case.load_ledgers) :])
    return f", {count} of these in probes" if count else ""


def _said(record: SessionRecord) -> str:
    """What the first chunk with another text was to say, and what it said."""
    number = min(record.wrong_text)
    sent = record.plan.text[max(record.chunk_start[number], 0) : record.chunk_end[number] + 1]
    return f"; sent {sent[:SHOWN_UNITS]!r}, came {record.wrong_text[number][:SHOWN_UNITS]!r}"


def _listed(units: list[int]) -> str:
    shown = ", ".join(str(unit) for unit in units[:8])
    return f"units {shown}{', ...' if len(units) > 8 else ''}"


def _span(record: SessionRecord, number: int) -> str:
    return f"units {record.chunk_start[number]}..{record.chunk_end[number]} ({record.pcm_bytes[number]} bytes)"


def _last_ns(record: SessionRecord) -> int:
    return record.events[-1].at_ns if record.events else record.plan.open_ns
