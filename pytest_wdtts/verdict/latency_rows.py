"""Rows about time: the p99 of each measure has to be the same at the end of the run as at its beginning."""

from ..record import SessionRecord
from ..record.measures import Series
from .case import Case
from .row import Evidence, Row, Verdict, evidence, judged
from .stability import Stability, assess


def ttfa_p99_stable(case: Case) -> Row:
    """TTFA as the probe sessions see it; without probes it would be seen only at the start."""
    return _stable("ttfa_p99_stable", case, case.probe_measures.ttfa, case.result.probes, "probes")


def unit_latency_p99_stable(case: Case) -> Row:
    """UnitLatency of the untouched sessions; flush wait is part of it, so only its trend is judged."""
    series = case.untouched_measures.unit_latency
    return _stable("unit_latency_p99_stable", case, series, case.untouched, "units", tails=False)


def service_time_p99_stable(case: Case) -> Row:
    """Service time of the untouched sessions' chunks: the gateway's own share."""
    return _stable("service_time_p99_stable", case, case.untouched_measures.service_time, case.untouched, "chunks")


def _stable(row_id: str, case: Case, series: Series, measured: list[SessionRecord], of: str, tails: bool = True) -> Row:
    limits = case.limits
    limit = (
        f"no rise over {limits.trend_rise_ms:g} ms and {limits.trend_rise_share:.0%} "
        f"at a false-alarm rate of {limits.false_alarm_rate:.1%}"
    )
    if tails:
        limit += (
            f"; at most {limits.tail_share:.1%} slower than {limits.tail_ms:g} ms and {limits.tail_factor:g} medians"
        )
    series = case.of_a_whole_gateway(series)
    found = assess(series, case.span_ns(), limits)
    if found is None:
        return Row(row_id, Verdict.NOT_ASSESSABLE, f"{len(series)} {of}: too few for windows", limit)
    pieces: list[Evidence] = []
    if found.rising:
        above = [
            evidence("", window.start_ns, f"p99 {p99_ms:.0f} ms in this window")
            for window, p99_ms in zip(found.windows, found.p99_ms, strict=True)
            if p99_ms > found.p99_ms[0] + found.rise_limit_ms
        ]
        since_s = above[0].at_s if above else 0.0
        pieces += [Evidence("", since_s, f"p99 by window: {_curve(found)} ms"), *above]
    if tails and found.tailed:
        what = f"slower than {found.tail_bound_ms:.0f} ms ({len(found.tail_at_ns)} such {of})"
        pieces += [
            evidence(measured[place].plan.session_id, at_ns, what)
            for at_ns, place in list(zip(found.tail_at_ns, found.tail_session, strict=True))[:5]
        ]
    observed = (
        f"p99 {found.p99_ms[0]:.1f} -> {found.p99_ms[-1]:.1f} ms over {len(found.windows)} windows, "
        f"rise {found.rise_ms:+.1f} ms (p={found.trend_p:.3g}), {len(found.tail_at_ns)} in the slow tail"
    )
    return judged(row_id, pieces, observed, limit)


def _curve(found: Stability) -> str:
    return " ".join(f"{value:.0f}" for value in found.p99_ms)
