"""The report as one frozen, versioned value: every format is written from it, so all agree on every number."""

from pathlib import Path
from typing import TypedDict

import msgspec
from msgspec import Struct, field

from ..attribution import Split
from ..errors import UsageError
from ..record import SCHEMA
from ..verdict import Limits, Row, Verdict


class Figures(TypedDict):
    """A histogram in six numbers: milliseconds, and how many values there are."""

    p50: float
    p95: float
    p99: float
    p999: float
    max: float
    count: int


class WindowLine(TypedDict):
    """One slice of the run, seconds from its origin. `ttfa_ms` is the probes'; means add up where percentiles do not.

    `mean_flush_wait_ms` + `mean_service_ms` is the mean UnitLatency of the units sent in the window.
    """

    start_s: float
    end_s: float
    ttfa_ms: Figures
    unit_latency_ms: Figures
    service_time_ms: Figures
    flush_wait_ms: Figures
    send_lateness_ms: Figures
    unit_latency_from_planned_ms: Figures
    inter_chunk_gap_ms: Figures
    mean_flush_wait_ms: float
    mean_service_ms: float
    errors_by_code: dict[str, int]


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


class Interval(Struct, frozen=True, kw_only=True):
    """A fault from injection to heal, seconds from the run's origin; `session` is "" for one of the whole stack."""

    fault: str
    session: str
    start_s: float
    end_s: float


class Lane(Struct, frozen=True, kw_only=True):
    """One session as a swim-lane: when it was connected, when audio came, what happened. Seconds from the origin.

    `trouble` counts what cannot be explained; `failing` says that a row that did not pass names the session.
    """

    id: str
    index: int
    trouble: int
    failing: bool
    alive_s: list[tuple[float, float]]
    chunks_at_s: list[float]
    events: list[tuple[float, str, str]]


class Probes(Struct, frozen=True, kw_only=True):
    """The probe sessions: TTFA over time beside the load."""

    sessions: int
    errors: int
    missing_units: int
    ttfa_ms: Figures
    at_s: list[float]
    each_ttfa_ms: list[float]


class Report(Struct, frozen=True, kw_only=True):
    """`DIR/<scenario>.json`, schema `wdtts.run/1`.

    `histograms` holds one HdrHistogram V2 (base64, microseconds) for each window, by measure, so that a report
    alone can be merged and compared; `percentile_curves` are pairs of percentile and milliseconds.
    """

    schema: str = SCHEMA
    scenario: str
    verdict: Verdict
    config: dict[str, object]
    seed: int
    replay: str
    summary: Summary
    latency: dict[str, Figures]
    windows: list[WindowLine]
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
    container_samples: list[dict[str, float | str]] = field(default_factory=list)
    loop_delay_ms: Figures
    split: Split | None = None
    stopped: str = ""
    fault_intervals: list[Interval] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    lanes_left_out: int = 0
    percentile_curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    histograms: dict[str, list[str]] = field(default_factory=dict)


def overall(rows: list[Row]) -> Verdict:
    """The worst that any row says: invalid, fail, then pass; rows that cannot be assessed do not count."""
    verdicts = {row.verdict for row in rows}
    for verdict in (Verdict.INVALID, Verdict.FAIL, Verdict.PASS):
        if verdict in verdicts:
            return verdict
    return Verdict.NOT_ASSESSABLE


def read_report(path: Path) -> Report:
    """Read `DIR/<scenario>.json`. Raises `UsageError` for a file that is no report, or one of another schema."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"no report at {path} ({error.strerror}): give the .json of a run, like wdtts-report/baseline.json"
        ) from None
    try:
        schema = msgspec.json.decode(raw, type=dict[str, object]).get("schema", "no schema")
        if schema != SCHEMA:
            raise UsageError(
                f"{path} has {schema!r}, this version reads {SCHEMA!r}: open it with the version that wrote it, "
                "or judge its journal again"
            )
        return msgspec.json.decode(raw, type=Report)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no report of {SCHEMA} ({error}): give the .json of a run") from None
