"""Rows about faults: what was injected explains what was seen, and nothing else does."""

from collections import Counter

import numpy as np

from ..clock import NS_PER_MS, NS_PER_S
from ..faults import SlowReader
from ..ledger import SessionLedger
from ..protocol import FLUSH_MARKS, MAX_PENDING_UNITS
from ..record import ChunkFlag, EventKind, SessionRecord
from ..record.histogram import histogram
from .case import Case
from .row import Evidence, Row, Verdict, evidence, judged
from .stability import more_slow_slices, most_expected

_CAUSED = ("backpressure", "resume_not_available")
"""Codes that an injected fault can bring about."""


def error_types(case: Case) -> Row:
    """Each error is one that an injected fault causes, in a session that it had hit before: who is counted singly.

    This is stricter than comparing shares. Each session can show one error, so none is oftener than its cause.
    """
    found: list[Evidence] = []
    counts = Counter(record.error_code for record in case.records if record.error_code)
    for record in case.records:
        code = record.error_code
        if code and not case.caused(record, code, at_ns := record.times(EventKind.ERROR)[0]):
            why = (
                "in a session that had not met the fault that causes it"
                if code in _CAUSED
                else "not caused by any fault"
            )
            found.append(evidence(record.plan.session_id, at_ns, f"{code}: {why}"))
    observed = ", ".join(f"{count} x {code}" for code, count in sorted(counts.items())) or "no errors"
    injected = ", ".join(f"{n} x {name}" for name, n in sorted(case.result.injected.items())) or "nothing"
    return judged("error_types", found, f"{observed}; injected {injected}", "only what was injected, where it was")


def internal_error_ratio(case: Case) -> Row:
    """No `internal_error` in bulk."""
    hit = [record for record in case.records if record.error_code == "internal_error"]
    most = most_expected(len(case.records), case.limits.internal_error_share, case.limits.ratio_confidence)
    found = [evidence(r.plan.session_id, r.times(EventKind.ERROR)[0], "internal_error") for r in hit]
    limit = f"at most {most} ({case.limits.internal_error_share:.0%} at {case.limits.ratio_confidence:.1%})"
    observed = f"{len(hit)} of {len(case.records)} sessions"
    return judged("internal_error_ratio", found if len(hit) > most else (), observed, limit)


def resume_exactly_once(case: Case) -> Row:
    """A session that was cut and resumed has every unit exactly once, and no audio before it asked for it."""
    limit = "0 lost, doubled, changed or reordered units"
    resumed = [
        (record, ledger)
        for record, ledger in zip(case.records, case.ledgers, strict=True)
        if record.has(EventKind.RESUME_SENT)
    ]
    kept = [(record, ledger) for record, ledger in resumed if record.error_code != "resume_not_available"]
    refused = len(resumed) - len(kept)
    if not kept:
        seen = f"{refused} resumes, all answered resume_not_available" if refused else "no session resumed"
        return Row("resume_exactly_once", Verdict.NOT_ASSESSABLE, seen, limit)
    found: list[Evidence] = []
    for record, ledger in kept:
        wrong = {
            "lost": ledger.unexplained_missing,
            "doubled": ledger.duplicate,
            "changed": ledger.mismatched + ledger.unexpected,
            "reordered": ledger.out_of_order,
        }
        early = sum(bool(flags & ChunkFlag.BEFORE_RESUME) for flags in record.flags)
        words = [f"{len(units)} {word}" for word, units in wrong.items() if units]
        words += [f"{early} chunks before resume"] if early else []
        if words:
            found.append(evidence(record.plan.session_id, record.times(EventKind.RESUME_SENT)[0], ", ".join(words)))
    returns = sum(len(record.times(EventKind.RESUME_SENT)) for record, _ in kept)
    return judged(
        "resume_exactly_once",
        found,
        f"{returns} resumes, {len(found)} sessions wrong, {refused} refused",
        limit,
    )


def cancel_respected(case: Case) -> Row:
    """After `cancel` comes one `tts_end` with `cancelled: true`, soon, and no more audio."""
    limits = case.limits
    limit = (
        f"tts_end cancelled within {limits.cancel_stop_ms:g} ms, no audio {limits.audio_after_cancel_ms:g} ms after it"
    )
    cancelled = [record for record in case.records if record.has(EventKind.CANCEL_SENT)]
    if not cancelled:
        return Row("cancel_respected", Verdict.NOT_ASSESSABLE, "no session was cancelled", limit)
    cancelled = [record for record in cancelled if not _met_a_broken_gateway(record, case)]
    if not cancelled:
        seen = "every cancel met a gateway that the plan had broken"
        return Row("cancel_respected", Verdict.NOT_ASSESSABLE, seen, limit)
    found = [piece for record in cancelled for piece in _cancel_wrongs(record, case)]
    stops_ms = sorted(stop_ns / NS_PER_MS for record in cancelled if (stop_ns := _stop_ns(record)) is not None)
    slowest = f"slowest stop {stops_ms[-1]:.0f} ms" if stops_ms else "no stop seen"
    return judged("cancel_respected", found, f"{len(cancelled)} cancels, {slowest}, {len(found)} wrong", limit)


def slow_readers_contained(case: Case) -> Row:
    """Each slow reader recovered with nothing lost, or ended by `backpressure`; nobody else did."""
    limit = "recovered whole or ended by backpressure; nobody else"
    found: list[Evidence] = []
    recovered = pressed = 0
    for record, ledger in zip(case.records, case.ledgers, strict=True):
        code = record.error_code
        if not case.is_slow_reader(record):
            if code == "backpressure":
                at_ns = record.times(EventKind.ERROR)[0]
                found.append(evidence(ledger.session_id, at_ns, "backpressure, but this session reads at full speed"))
        elif code == "backpressure":
            pressed += 1
        elif ledger.unexplained_missing:
            lost = f"{len(ledger.unexplained_missing)} units lost and no backpressure"
            found.append(evidence(ledger.session_id, _first_missing_ns(record, ledger), lost))
        else:
            recovered += 1
    observed = f"{pressed} ended by backpressure, {recovered} recovered, {len(found)} wrong"
    if not pressed and not found:
        return Row(
            "slow_readers_contained",
            Verdict.NOT_ASSESSABLE,
            f"{observed}: the bound was never reached",
            limit,
        )
    return judged("slow_readers_contained", found, observed, limit)


def isolation_errors(case: Case) -> Row:
    """Sessions that nothing was done to see no error and lose nothing."""
    alone = [record for record in case.untouched if not _without_gateway(record)]
    untouched = {record.plan.session_id for record in alone}
    if case.untouched and not alone:
        seen = "the plan took the gateway from every session"
        return Row("isolation_errors", Verdict.NOT_ASSESSABLE, seen, "0")
    found = [piece for record in alone for piece in case.errors(record, unexplained_only=False)] + [
        evidence(ledger.session_id, _first_missing_ns(record, ledger), f"{len(ledger.missing)} units missing")
        for record, ledger in zip(case.result.sessions, case.load_ledgers, strict=True)
        if ledger.session_id in untouched and ledger.missing
    ]
    return judged("isolation_errors", found, f"{len(found)} in {len(untouched)} untouched sessions", "0")


def isolation_latency(case: Case) -> Row:
    """Untouched sessions are served as fast while others read slowly as they are otherwise."""
    limits = case.limits
    limit = f"p99 rises by at most {limits.isolation_rise_ms:g} ms or {limits.isolation_rise_share:.0%}"
    intervals = [(f.at_ns, f.heals_ns + NS_PER_S) for f in case.faults if isinstance(f, SlowReader)]
    steady = case.of_a_whole_gateway(case.untouched_measures.service_time).within(*case.span_ns())
    during = np.zeros(len(steady), dtype=bool)
    for start_ns, end_ns in intervals:
        during |= (steady.at_ns >= start_ns) & (steady.at_ns < end_ns)
    if during.sum() < 30 or (~during).sum() < 30:
        seen = f"{during.sum()} chunks during slow reading, {(~during).sum()} outside"
        return Row("isolation_latency", Verdict.NOT_ASSESSABLE, f"{seen}: too few to compare", limit)
    inside_ms = histogram(steady.value_ns[during]).get_value_at_percentile(99.0) / 1000
    outside_ms = histogram(steady.value_ns[~during]).get_value_at_percentile(99.0) / 1000
    allowed_ms = outside_ms + max(limits.isolation_rise_ms, limits.isolation_rise_share * outside_ms)
    p_value = more_slow_slices(steady, during, round(allowed_ms * NS_PER_MS))
    found = []
    if inside_ms > allowed_ms and p_value <= limits.false_alarm_rate:
        slowest = int(np.argmax(np.where(during, steady.value_ns, 0)))
        record = case.untouched[int(steady.session[slowest])]
        what = f"service time {steady.value_ns[slowest] / NS_PER_MS:.0f} ms while others read slowly"
        found.append(evidence(record.plan.session_id, int(steady.at_ns[slowest]), what))
    observed = f"service time p99 {inside_ms:.1f} ms during, {outside_ms:.1f} ms outside (p={p_value:.3g})"
    return judged("isolation_latency", found, observed, limit)


def _without_gateway(record: SessionRecord) -> bool:
    """The gateway itself was taken down by the plan, and this session's connection with it."""
    return any(event.kind is EventKind.FAULT and event.detail == "gateway" for event in record.events)


def _first_missing_ns(record: SessionRecord, ledger: SessionLedger) -> int:
    """When the first unit left that never came back."""
    return record.sent_ns[ledger.missing[0]]


def _stop_ns(record: SessionRecord) -> int | None:
    """From the cancel to the end; who was cut off meanwhile has said it again: the time away is not the gateway's."""
    sent_ns = record.times(EventKind.CANCEL_SENT)[-1]
    return next((at_ns - sent_ns for at_ns in record.times(EventKind.ENDED) if at_ns >= sent_ns), None)


def _met_a_broken_gateway(record: SessionRecord, case: Case) -> bool:
    """Whether the plan had broken the gateway itself within the time that it has for a cancel."""
    sent_ns = np.array(record.times(EventKind.CANCEL_SENT)[-1:])
    return bool(case.gateway_broken(sent_ns, sent_ns + round(case.limits.cancel_stop_ms * NS_PER_MS)).all())


def _cancel_wrongs(record: SessionRecord, case: Case) -> list[Evidence]:
    """What is wrong with the answer to a cancel.

    Who read slowly then cannot say when it came, and an error that the plan caused may have crossed the cancel.
    """
    sent_ns = record.times(EventKind.CANCEL_SENT)[-1]
    session_id = record.plan.session_id
    found = []
    stop_ns = _stop_ns(record)
    text_ended = record.has(EventKind.TEXT_END_SENT)
    ends = [event for event in record.events if event.kind is EventKind.ENDED]
    in_time = round(case.limits.cancel_stop_ms * NS_PER_MS)
    timed = not case.read_slowly(record, sent_ns, sent_ns + in_time)
    code = record.error_code
    if stop_ns is None and not (code and case.caused(record, code, record.times(EventKind.ERROR)[0])):
        seen = code or next((event.detail for event in record.events if event.kind is EventKind.FAILED), "nothing")
        found.append(evidence(session_id, sent_ns, f"no tts_end after cancel; seen: {seen}"))
    elif stop_ns is not None and stop_ns > in_time and timed:
        found.append(evidence(session_id, sent_ns, f"tts_end {stop_ns / NS_PER_MS:.0f} ms after cancel"))
    if ends and ends[0].detail != "cancelled" and not text_ended:
        found.append(evidence(session_id, ends[0].at_ns, "tts_end says cancelled: false"))
    grace_ns = sent_ns + round(case.limits.audio_after_cancel_ms * NS_PER_MS)
    for number, (flags, at_ns) in enumerate(zip(record.flags, record.received_ns, strict=True)):
        late = timed and at_ns > grace_ns
        if flags & ChunkFlag.AFTER_CANCEL and (late or not _flushed_by_rule(record, number, text_ended)):
            found.append(evidence(session_id, at_ns, f"audio {(at_ns - sent_ns) / NS_PER_MS:.0f} ms after cancel"))
            break
    return found


def _flushed_by_rule(record: SessionRecord, number: int, text_ended: bool) -> bool:
    """Whether the flush rule alone would have made this chunk: then it may have crossed the cancel on the wire."""
    start, end = record.chunk_start[number], record.chunk_end[number]
    at_mark = 0 <= end < len(record.plan.text) and record.plan.text[end] in FLUSH_MARKS
    return text_ended or at_mark or end - start + 1 >= MAX_PENDING_UNITS
