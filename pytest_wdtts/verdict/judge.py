"""Evidence to rows: a table says which judge sits over which scenario. Pure, so it can be done again offline."""

import traceback
from collections.abc import Callable

from msgspec.structs import replace

from ..record import RunResult
from ..record.histogram import histogram, percentiles_ms
from . import fault_rows, latency_rows, ledger_rows, resource_rows
from .case import Case
from .limits import Limits
from .row import Row, Verdict

Judge = Callable[[Case], Row]

_ALL: tuple[Judge, ...] = (
    ledger_rows.session_errors,
    ledger_rows.missing_units,
    ledger_rows.duplicate_units,
    ledger_rows.mismatched_units,
    ledger_rows.sent_equals_received,
    ledger_rows.unit_order,
    ledger_rows.audio_integrity,
    ledger_rows.session_end,
    resource_rows.gateway_resources,
)
_MIXED: tuple[Judge, ...] = (
    fault_rows.error_types,
    fault_rows.internal_error_ratio,
    fault_rows.resume_exactly_once,
    fault_rows.cancel_respected,
)
_JUDGES: dict[str, tuple[Judge, ...]] = {
    "baseline": (
        *_ALL,
        latency_rows.ttfa_p99_stable,
        latency_rows.unit_latency_p99_stable,
        latency_rows.service_time_p99_stable,
    ),
    "mixed": (*_ALL, *_MIXED),
    "heavy": (
        *_ALL,
        *_MIXED,
        fault_rows.slow_readers_contained,
        fault_rows.isolation_errors,
        fault_rows.isolation_latency,
    ),
}
_ANY: tuple[Judge, ...] = (*_ALL, *_MIXED)


def row_ids(scenario: str) -> tuple[str, ...]:
    """Ids of the rows of a scenario, in order; a user's own scenario has those that hold for any."""
    return ("run_valid", *(judge.__name__ for judge in _JUDGES.get(scenario, _ANY)))


def judge(result: RunResult, limits: Limits | None = None) -> list[Row]:
    """Judge a run. Where the run itself is no evidence, every row is `invalid` and blames nobody."""
    return judge_case(Case(result, limits))


def judge_case(case: Case) -> list[Row]:
    """The same for a run that is laid out already: its ledgers and measures serve the report as well."""
    validity = _guarded(run_valid, case)
    rows = [_guarded(judge, case) for judge in _JUDGES.get(case.header.scenario, _ANY)]
    if validity.verdict is not Verdict.PASS:
        rows = [_voided(row, validity) for row in rows]
    return [validity, *rows]


def run_valid(case: Case) -> Row:
    """The run is evidence: it went to its end, and our own sending kept to the plan."""
    limits = case.limits
    limit = (
        f"the whole run; send lateness p99 at most {limits.send_lateness_p99_ms:g} ms, "
        f"event loop delay p99 at most {limits.loop_delay_p99_ms:g} ms"
    )
    if case.cut_short:
        return Row("run_valid", Verdict.INVALID, f"partial run ({case.cut_short})", limit)
    observed, late = _lateness(case)
    if late:
        words = f"{observed}: the generator was late; give it more CPU or a smaller load"
        return Row("run_valid", Verdict.INVALID, words, limit)
    return Row("run_valid", Verdict.PASS, observed, limit)


def lateness(result: RunResult, limits: Limits | None = None) -> str:
    """How late the generator was in a run that went to its end; "" where it was in time, or did not."""
    case = Case(result, limits)
    observed, late = _lateness(case)
    return observed if late and not case.cut_short else ""


def _lateness(case: Case) -> tuple[str, bool]:
    """How late we were, and whether that is too late for a verdict."""
    send_ms = percentiles_ms(histogram(case.measures.send_lateness.value_ns))["p99"]
    delay_ms = case.loop_delay_ms["p99"]
    late = send_ms > case.limits.send_lateness_p99_ms or delay_ms > case.limits.loop_delay_p99_ms
    return f"send lateness p99 {send_ms:.1f} ms, event loop delay p99 {delay_ms:.1f} ms", late


def _guarded(judge: Judge, case: Case) -> Row:
    """A judge that crashes has judged nothing."""
    try:
        return judge(case)
    except Exception:
        last = traceback.format_exc().strip().splitlines()[-1]
        return Row(judge.__name__, Verdict.INVALID, f"the judge itself failed: {last}", "a verdict")


def _voided(row: Row, validity: Row) -> Row:
    if row.verdict is Verdict.NOT_ASSESSABLE:
        return row
    return replace(row, verdict=Verdict.INVALID, observed=f"no evidence: {validity.observed} (seen: {row.observed})")
