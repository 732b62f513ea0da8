"""The report as one frozen, versioned value: every format is written from it, so all agree on every number."""

from collections import Counter

from msgspec import Struct, field
from msgspec.structs import asdict

from ..clock import NS_PER_S
from ..ledger import SessionLedger
from ..load import LoadPlan
from ..record import SCHEMA, EventKind, SessionRecord
from ..record.histogram import histogram, percentiles_ms
from ..record.measures import Measures, Series
from ..verdict import Limits, Row, Verdict
from ..verdict.case import PLANNED_LEAVE, Case
from ..verdict.stability import cut_windows

MEASURES = {
    "ttfa_ms": "ttfa",
    "unit_latency_ms": "unit_latency",
    "service_time_ms": "service_time",
    "flush_wait_ms": "flush_wait",
    "send_lateness_ms": "send_lateness",
    "unit_latency_from_planned_ms": "planned_latency",
    "inter_chunk_gap_ms": "chunk_gap",
}
WINDOWS = 12


class Summary(Struct, frozen=True, kw_only=True):
    """The planned load in numbers; probes are counted apart."""

    sessions: int
    errors: int
    planned_units: int
    sent_units: int
    received_units: int
    missing_units: int
    unexplained_missing_units: int
    duplicate_units: int
    mismatched_units: int
    unexpected_units: int
    resumes: int
    cancels: int
    audio_s: float
    duration_s: float
    generator_cpu_s: float


class SessionLine(Struct, frozen=True, kw_only=True):
    """One session in the report."""

    id: str
    index: int
    sent_units: int
    received_units: int
    missing_units: int
    duplicate_units: int
    mismatched_units: int
    explained: str
    replaces: str
    faults: list[str]
    errors: list[str]


class Probes(Struct, frozen=True, kw_only=True):
    """The probe sessions: TTFA over time beside the load."""

    sessions: int
    errors: int
    missing_units: int
    ttfa_ms: dict[str, float]
    at_s: list[float]
    each_ttfa_ms: list[float]


class Report(Struct, frozen=True, kw_only=True):
    """`DIR/<scenario>.json`, schema `wdtts.run/1`."""

    schema: str = SCHEMA
    scenario: str
    verdict: Verdict
    config: dict[str, object]
    seed: int
    replay: str
    summary: Summary
    latency: dict[str, dict[str, float]]
    windows: list[dict[str, object]]
    errors_by_code: dict[str, int]
    explained_missing_by_cause: dict[str, int]
    injected_faults: dict[str, int]
    rows: list[Row]
    probes: Probes
    sessions: list[SessionLine]
    limits: Limits
    environment: dict[str, str]
    gateway: dict[str, object]
    gateway_samples: list[dict[str, float]] = field(default_factory=list)
    loop_delay_ms: dict[str, float] = field(default_factory=dict)
    stopped: str = ""


def overall(rows: list[Row]) -> Verdict:
    """The worst that any row says: invalid, fail, then pass; rows that cannot be assessed do not count."""
    verdicts = {row.verdict for row in rows}
    for verdict in (Verdict.INVALID, Verdict.FAIL, Verdict.PASS):
        if verdict in verdicts:
            return verdict
    return Verdict.NOT_ASSESSABLE


def build_report(case: Case, rows: list[Row], replay: str) -> Report:
    """Make the report of a judged run."""
    result, header = case.result, case.header
    return Report(
        scenario=header.scenario,
        verdict=overall(rows),
        config=_config(case),
        seed=header.load.seed,
        replay=replay,
        summary=_summary(case),
        latency={name: _figures(case.measures, of) for name, of in MEASURES.items()},
        windows=_windows(case),
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
        loop_delay_ms=_delay_figures(result.loop_delays_ns),
        stopped=result.footer.stopped if result.footer else "killed",
    )


def replay_command(scenario: str, load: LoadPlan, url: str, stack: str) -> str:
    """Return the one line that runs the same plan again."""
    target = f" --wdtts-url {url}" if stack == "external" else ""
    return (
        f"pytest -m {scenario}{target} --wdtts-seed {load.seed} --wdtts-sessions {load.sessions} "
        f"--wdtts-cps {load.cps:g} --wdtts-duration {load.duration_s:g} --wdtts-corpus {load.corpus}"
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


def _figures(measures: Measures, name: str) -> dict[str, float]:
    series: Series = getattr(measures, name)
    return percentiles_ms(histogram(series.value_ns))


def _windows(case: Case) -> list[dict[str, object]]:
    start_ns, end_ns = 0, max(case.result.end_ns, 1)
    windows = []
    for window in cut_windows(start_ns, end_ns, WINDOWS):
        line: dict[str, object] = {"start_s": window.start_ns / NS_PER_S, "end_s": window.end_ns / NS_PER_S}
        for name, of in MEASURES.items():
            source = case.probe_measures if of == "ttfa" else case.measures
            series: Series = getattr(source, of)
            line[name] = percentiles_ms(histogram(series.within(window.start_ns, window.end_ns).value_ns))
        windows.append(line)
    return windows


def _explained(ledgers: list[SessionLedger]) -> dict[str, int]:
    causes: Counter[str] = Counter()
    for ledger in ledgers:
        if ledger.explained and ledger.missing:
            causes[ledger.explained] += len(ledger.missing)
    return dict(causes)


def _probes(case: Case) -> Probes:
    ttfa = case.probe_measures.ttfa
    return Probes(
        sessions=len(case.result.probes),
        errors=sum(map(_failed, case.result.probes)),
        missing_units=sum(len(ledger.missing) for ledger in case.ledgers[len(case.load_ledgers) :]),
        ttfa_ms=percentiles_ms(histogram(ttfa.value_ns)),
        at_s=(ttfa.at_ns / NS_PER_S).tolist(),
        each_ttfa_ms=(ttfa.value_ns / 1e6).tolist(),
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
        explained=ledger.explained if ledger.missing else "",
        replaces=record.plan.replaces,
        faults=[
            "cancel" if event.kind is EventKind.CANCEL_SENT else event.detail
            for event in record.events
            if event.kind in (EventKind.FAULT, EventKind.CANCEL_SENT)
        ],
        errors=[event.detail for event in record.events if event.kind in trouble],
    )


def _delay_figures(delays_ns: list[int]) -> dict[str, float]:
    import numpy as np

    return percentiles_ms(histogram(np.array(delays_ns, dtype=np.int64)))
