"""Where the slowest 1 % of UnitLatency comes from, as shares that add up to one; free with every run.

UnitLatency from the *planned* send time of a unit is our own lateness + flush wait + service time. Where the plan
itself kept the client away or from reading, that stretch is the plan's, not the gateway's.
"""

import numpy as np
from msgspec import Struct

from ..clock import NS_PER_MS
from ..faults import Disconnect, SlowReader
from ..protocol import chunk_ends
from ..record import SessionRecord
from ..record.histogram import histogram, percentiles_ms
from ..record.measures import Series
from ..verdict.case import RECOVERY_NS, Case

SLOW_SHARE = 0.1
"""A gateway whose own work has more of the tail than this is not called "not slow", whatever has most of it."""

_WORDS = {"slow_reading_by_plan": "faults by plan"}
"""Cuts and a broken gateway keep audio from the client just as slow reading does."""


class Split(Struct, frozen=True, kw_only=True):
    """Shares (0..1) of the latency of the units at or above p99, and the floor under it.

    `floor_ms` are the percentiles that a gateway of zero latency would show for this text and cps.
    """

    flush_wait: float
    service_time: float
    slow_reading_by_plan: float
    own_lateness: float
    unit_latency_p99_ms: float
    service_time_p99_ms: float
    floor_ms: dict[str, float]
    sentence: str


def split_latency(case: Case) -> Split | None:
    """Attribute the tail of UnitLatency; None where no unit came back."""
    measures = case.measures
    flush_ns, service_ns = measures.flush_wait.value_ns, measures.service_share.value_ns
    latency_ns = measures.planned_latency.value_ns
    if not len(latency_ns):
        return None
    planned = _in_planned_stretch(case, measures.unit_latency)
    own_ns = latency_ns - flush_ns - service_ns
    tail = latency_ns >= np.percentile(latency_ns, 99.0)
    parts = {
        "flush_wait": flush_ns[tail].sum(),
        "service_time": service_ns[tail & ~planned].sum(),
        "slow_reading_by_plan": service_ns[tail & planned].sum() + own_ns[tail & planned].sum(),
        "own_lateness": own_ns[tail & ~planned].sum(),
    }
    total = float(latency_ns[tail].sum()) or 1.0
    shares = {name: float(value) / total for name, value in parts.items()}
    judged = case.untouched_measures if case.untouched else measures
    service_p99_ms = percentiles_ms(histogram(judged.service_time.value_ns))["p99"]
    p99_ms = float(np.percentile(latency_ns, 99.0)) / NS_PER_MS
    floor_ms = floor(case.result.sessions)
    return Split(
        **shares,
        unit_latency_p99_ms=p99_ms,
        service_time_p99_ms=service_p99_ms,
        floor_ms=floor_ms,
        sentence=_sentence(shares, p99_ms, service_p99_ms, floor_ms["p99"]),
    )


def floor(records: list[SessionRecord]) -> dict[str, float]:
    """UnitLatency under a gateway of zero latency that keeps v1's flush rule: all of it is flush wait."""
    waits = [np.empty(0, dtype=np.int64)]
    for record in records:
        plan = record.plan
        if plan.replaces:
            continue
        due_ns = plan.first_unit_ns + np.arange(len(plan.text), dtype=np.int64) * plan.interval_ns
        ends = np.array(chunk_ends(plan.text), dtype=np.int64)
        waits.append(due_ns[ends[np.searchsorted(ends, np.arange(len(plan.text)))]] - due_ns)
    return percentiles_ms(histogram(np.concatenate(waits)))


def _in_planned_stretch(case: Case, unit_latency: Series) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which units were on their way, sent and not received, while the plan kept their session away or from reading."""
    sent_ns, received_ns = unit_latency.at_ns, unit_latency.at_ns + unit_latency.value_ns
    inside = case.gateway_broken(sent_ns, received_ns)
    places: dict[int, list[int]] = {}
    for place, record in enumerate(case.result.sessions):
        places.setdefault(record.plan.index, []).append(place)
    for fault in case.faults:
        if isinstance(fault, Disconnect | SlowReader):
            theirs = np.isin(unit_latency.session, places.get(fault.session, []))
            inside |= theirs & (sent_ns <= fault.heals_ns + RECOVERY_NS) & (received_ns >= fault.at_ns)
    return inside


def _sentence(shares: dict[str, float], p99_ms: float, service_p99_ms: float, floor_p99_ms: float) -> str:
    name, share = max(shares.items(), key=lambda item: item[1])
    waits = f"service time p99 is {service_p99_ms:.0f} ms: the gateway is not slow, it waits for a mark"
    if shares["service_time"] > SLOW_SHARE:
        waits = f"service time has {shares['service_time']:.0%} of it, p99 {service_p99_ms:.0f} ms: it is slow besides"
    verdicts = {
        "flush_wait": waits,
        "service_time": f"service time p99 is {service_p99_ms:.0f} ms: the gateway is slow",
        "slow_reading_by_plan": f"the plan did that; service time p99 of the others is {service_p99_ms:.0f} ms",
        "own_lateness": "our own generator was late",
    }
    words = _WORDS.get(name, name.replace("_", " "))
    at_best = f"a gateway of zero latency would show {floor_p99_ms:.0f} ms here"
    return f"{share:.0%} of UnitLatency p99 ({p99_ms:.0f} ms) is {words}; {verdicts[name]} ({at_best})"
