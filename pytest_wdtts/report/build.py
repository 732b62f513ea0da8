"""From a judged case to the report: every number is computed here, once."""

from collections import Counter
from typing import cast

from msgspec.structs import asdict

from ..attribution import split_latency
from ..clock import NS_PER_MS, NS_PER_S
from ..ledger import SessionLedger
from ..record import PLANNED_LEAVE, EventKind, SessionRecord
from ..record.histogram import histogram, percentiles_ms
from ..verdict import Row
from ..verdict.case import Case
from .curves import Curves
from .lanes import draw_lanes, fault_intervals
from .model import Figures, Probes, Report, SessionLine, Summary, overall


def build_report(case: Case, rows: list[Row], replay: str) -> Report:
    """Make the report of a judged run."""
    result, header = case.result, case.header
    curves = Curves(case)
    intervals = fault_intervals(case)
    lanes, left_out = draw_lanes(case, rows)
    return Report(
        scenario=header.scenario,
        verdict=overall(rows),
        config=_config(case),
        seed=header.load.seed,
        replay=replay,
        split=split_latency(case),
        summary=_summary(case),
        latency=curves.latency(),
        windows=curves.windows(),
        errors_by_code=dict(Counter(r.error_code for r in result.sessions if r.error_code)),
        explained_missing_by_cause=_explained(case.load_ledgers),
        injected_faults=result.injected,
        rows=rows,
        probes=_probes(case),
        sessions=[_line(r, ledger) for r, ledger in zip(result.sessions, case.load_ledgers, strict=True)],
        limits=case.limits,
        environment=header.environment,
        gateway=header.gateway,
        gateway_samples=[
            {"at_s": s.at_ns / NS_PER_S, "cpu_s": s.cpu_s, "rss_bytes": s.rss_bytes, "sockets": s.sockets}
            for s in result.samples
        ],
        container_samples=[
            {
                "at_s": s.at_ns / NS_PER_S,
                "service": s.service,
                "cpu_s": s.cpu_s,
                "rss_bytes": s.rss_bytes,
                "sockets": s.sockets,
                "throttled_s": s.throttled_s,
            }
            for s in result.container_samples
        ],
        loop_delay_ms=cast("Figures", case.loop_delay_ms),
        stopped=result.footer.stopped if result.footer else "killed",
        fault_intervals=intervals,
        lanes=lanes,
        lanes_left_out=left_out,
        percentile_curves=curves.percentiles(),
        histograms=curves.encoded(),
    )


def _config(case: Case) -> dict[str, object]:
    header = case.header
    known = {
        "url": header.url,
        "stack": header.stack,
        "run_id": header.run_id,
        "corpus_sha256": header.corpus_sha256,
        "origin_unix_s": header.origin_unix_s,
        "faults": header.faults,
        "planned_faults": header.planned_faults,
    }
    return asdict(header.load) | known


def _summary(case: Case) -> Summary:
    ledgers, records = case.load_ledgers, case.result.sessions
    footer = case.result.footer
    pcm_bytes = sum(sum(record.pcm_bytes) for record in records)
    return Summary(
        sessions=case.header.load.sessions,
        errors=sum(map(_failed, records)),
        planned_units=case.header.load.sessions * case.header.load.units,
        sent_units=sum(ledger.sent for ledger in ledgers),
        received_units=sum(ledger.received for ledger in ledgers),
        missing_units=sum(len(ledger.missing) for ledger in ledgers),
        unexplained_missing_units=sum(len(ledger.unexplained_missing) for ledger in ledgers),
        duplicate_units=sum(len(ledger.duplicate) for ledger in ledgers),
        mismatched_units=sum(len(ledger.mismatched) for ledger in ledgers),
        unexpected_units=sum(len(ledger.unexpected) for ledger in ledgers),
        resumes=sum(len(record.times(EventKind.RESUME_SENT)) for record in records),
        cancels=sum(record.has(EventKind.CANCEL_SENT) for record in records),
        audio_s=pcm_bytes / 2 / case.header.load.channels / case.header.load.sample_rate,
        duration_s=case.result.end_ns / NS_PER_S,
        generator_cpu_s=footer.generator_cpu_s if footer else 0.0,
    )


def _failed(record: SessionRecord) -> bool:
    return record.has(EventKind.ERROR) or any(
        event.kind is EventKind.FAILED and event.detail != PLANNED_LEAVE for event in record.events
    )


def _explained(ledgers: list[SessionLedger]) -> dict[str, int]:
    causes: Counter[str] = Counter()
    for ledger in ledgers:
        if count := len(ledger.explained_missing):
            causes[ledger.explained] += count
    return dict(causes)


def _probes(case: Case) -> Probes:
    ttfa = case.probe_measures.ttfa
    return Probes(
        sessions=len(case.result.probes),
        errors=sum(map(_failed, case.result.probes)),
        missing_units=sum(len(ledger.missing) for ledger in case.ledgers[len(case.load_ledgers) :]),
        ttfa_ms=cast("Figures", percentiles_ms(histogram(ttfa.value_ns))),
        at_s=(ttfa.at_ns / NS_PER_S).tolist(),
        each_ttfa_ms=(ttfa.value_ns / NS_PER_MS).tolist(),
    )


def _line(record: SessionRecord, ledger: SessionLedger) -> SessionLine:
    trouble = (EventKind.ERROR, EventKind.FAILED, EventKind.VIOLATION, EventKind.END_VIOLATION)
    return SessionLine(
        id=record.plan.session_id,
        index=record.plan.index,
        sent_units=ledger.sent,
        received_units=ledger.received,
        missing_units=len(ledger.missing),
        duplicate_units=len(ledger.duplicate),
        mismatched_units=len(ledger.mismatched),
        explained=ledger.explained if ledger.explained_missing else "",
        replaces=record.plan.replaces,
        faults=[
            "cancel" if event.kind is EventKind.CANCEL_SENT else event.detail
            for event in record.events
            if event.kind in (EventKind.FAULT, EventKind.CANCEL_SENT)
        ],
        errors=[event.detail for event in record.events if event.kind in trouble],
    )
