"""From the evidence of one run to what a step showed: each figure is computed here, once."""

from collections import Counter

import numpy as np

from ..clock import NS_PER_S
from ..protocol import chunk_ends
from ..record import EventKind, RunResult, SessionRecord
from ..record.histogram import histogram, percentiles_ms
from ..verdict import Verdict
from ..verdict.case import Case
from ..verdict.judge import run_valid
from .gaps import find_gaps
from .seen import Look, Step, StepSeen
from .split import floor, split_latency

BASE64 = 4 / 3
FLUSH_FIGURE = 95.0


def observe(step: Step, journal: str, before: Look, result: RunResult) -> StepSeen:
    """Make one step's observation of its run."""
    case = Case(result)
    records = case.untouched
    validity = run_valid(case)
    duration_s = max(result.end_ns / NS_PER_S, 0.001)
    chunks = [size for record in case.records for size in record.pcm_bytes]
    return StepSeen(
        step=step,
        journal=journal,
        before=before,
        valid=validity.verdict is Verdict.PASS,
        validity=validity.observed,
        figures=_figures(case),
        counts=_counts(case),
        errors_by_code=dict(Counter(record.error_code for record in result.sessions if record.error_code)),
        refused=sum(not record.has(EventKind.OPENED) for record in records),
        unfinished=sum(_given_up(record) for record in records),
        flush_floor_ms=floor(records),
        flush_excess_units=flush_excess_units(records),
        gaps=find_gaps([*records, *result.probes]),
        chunks_per_s=len(chunks) / duration_s,
        bytes_per_s=sum(chunks) * BASE64 / duration_s,
        chunk_bytes=sum(chunks) * BASE64 / max(len(chunks), 1),
        gateway_cpu=_gateway_cpu(result),
        slow_readers=sum(map(case.is_slow_reader, result.sessions)),
        backpressure=sum(r.error_code == "backpressure" for r in result.sessions if case.is_slow_reader(r)),
        unsent_bytes=max((sample.unsent_bytes for sample in result.samples), default=-1),
        split=split_latency(case),
    )


def flush_excess_units(records: list[SessionRecord]) -> float:
    """How many units' time the units waited longer for their flush than under v1's rule (p95); below 0: less."""
    excess = []
    for record in records:
        ends = np.array(chunk_ends(record.plan.text), dtype=np.int64)
        start, end = (np.array(column, dtype=np.int64) for column in (record.chunk_start, record.chunk_end))
        for first, last in zip(start, end, strict=True):
            if 0 <= first <= last < len(record.sent_ns):
                unit = np.arange(first, last + 1)
                excess.append(last - ends[np.searchsorted(ends, unit)])
    return float(np.percentile(np.concatenate(excess), FLUSH_FIGURE)) if excess else 0.0


def _figures(case: Case) -> dict[str, dict[str, float]]:
    measures = case.untouched_measures
    series = {
        "ttfa_ms": case.probe_measures.ttfa,
        "unit_latency_ms": measures.unit_latency,
        "service_time_ms": measures.service_time,
        "flush_wait_ms": measures.flush_wait,
        "send_lateness_ms": case.measures.send_lateness,
    }
    return {name: percentiles_ms(histogram(one.value_ns)) for name, one in series.items()}


def _counts(case: Case) -> dict[str, int]:
    """Of the sessions that the plan left alone: errors, and units by what became of them."""
    alone = {record.plan.session_id for record in case.untouched}
    ledgers = [ledger for ledger in case.load_ledgers if ledger.session_id in alone]
    return {
        "errors": sum(bool(case.errors(record, unexplained_only=True)) for record in case.untouched),
        "missing_units": sum(len(ledger.unexplained_missing) for ledger in ledgers),
        "duplicate_units": sum(len(ledger.duplicate) for ledger in ledgers),
        "mismatched_units": sum(len(ledger.mismatched) for ledger in ledgers),
    }


def _given_up(record: SessionRecord) -> bool:
    """Whether the session had opened, and neither ended nor was closed by the gateway."""
    return record.has(EventKind.OPENED) and record.has(EventKind.FAILED) and not record.has(EventKind.ERROR)


def _gateway_cpu(result: RunResult) -> float:
    """Cores that the gateway's process kept busy, -1 where it cannot be seen."""
    samples = [sample for sample in result.samples if sample.at_ns >= 0 <= sample.cpu_s]
    if len(samples) < 2:
        return -1.0
    first, last = samples[0], samples[-1]
    return (last.cpu_s - first.cpu_s) * NS_PER_S / max(last.at_ns - first.at_ns, 1)
