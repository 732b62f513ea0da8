"""Each default limit by what it does: just within it nothing is red, just beyond it something is.

A default that is off by a tenth, up or down, turns one of these red.
"""

from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import ChunkFlag, EventKind, GatewaySample, RunResult
from pytest_wdtts.record.measures import Series
from pytest_wdtts.verdict import Limits, Verdict, judge
from pytest_wdtts.verdict.stability import Stability, assess
from tests.builders import faulty_run, finish, healthy_run, receive

MIB = 1024 * 1024
CANCELLED, UNTOUCHED = 1, 4
FEW = LoadPlan(sessions=4, duration_s=6.0)
Red = bool
Edge = tuple[Red, Red]
"""Whether it is red just within the limit, and just beyond."""


def red(result: RunResult, row_id: str) -> Red:
    """Whether a row with the default limits is no pass."""
    return next(row for row in judge(result) if row.id == row_id).verdict is not Verdict.PASS


def assessed(values_ms: list[float]) -> Stability:
    """The stability tests over values at equal distances in 60 s."""
    at_ns = np.linspace(0, 60 * NS_PER_S, len(values_ms), endpoint=False).astype(np.int64)
    value_ns = (np.array(values_ms) * NS_PER_MS).astype(np.int64)
    found = assess(Series(value_ns, at_ns, np.zeros(len(at_ns), dtype=np.int64)), (0, 60 * NS_PER_S), Limits())
    assert found is not None
    return found


def rising(low: int, low_ms: float, high: int, high_ms: float) -> Red:
    """So many windows at one level, then so many at another."""
    return assessed([low_ms] * 2 * low + [high_ms] * 2 * high).rising


def tailed(slow: int, of: int, slow_ms: float, median_ms: float = 3.0) -> Red:
    """So many slow values, spread over all."""
    values = [median_ms] * of
    for number in range(slow):
        values[number * of // slow] = slow_ms
    return assessed(values).tailed


def windows_of(values: int) -> int:
    """How many windows so many values are cut into."""
    return len(assessed([3.0] * values).windows)


def late(ms: float) -> Red:
    """Every unit left so late."""
    result = healthy_run(load=FEW)
    for record in result.sessions:
        for unit in range(len(record.lateness_ns)):
            record.lateness_ns[unit] = round(ms * NS_PER_MS)
    return red(result, "run_valid")


def delayed(ms: float) -> Red:
    """Our own event loop was so late each time."""
    result = healthy_run(load=FEW)
    result.loop_delays_ns = [round(ms * NS_PER_MS)] * 100
    return red(result, "run_valid")


def stopped(after_ms: float) -> Red:
    """The gateway answers a cancel so late."""
    result = faulty_run()
    record = result.sessions[CANCELLED]
    record.events = record.events[:-2]
    finish(record, record.times(EventKind.CANCEL_SENT)[0] + round(after_ms * NS_PER_MS), cancelled=True)
    return red(result, "cancel_respected")


def heard(after_ms: float) -> Red:
    """A chunk that the flush rule alone had made comes so long after the cancel."""
    result = faulty_run()
    record = result.sessions[CANCELLED]
    end = record.chunk_end[-1]
    for column in (record.received_ns, record.chunk_start, record.chunk_end, record.chunk_seq, record.pcm_bytes):
        del column[-1]
    del record.flags[-1]
    at_ns = record.times(EventKind.CANCEL_SENT)[0] + round(after_ms * NS_PER_MS)
    start = record.chunk_end[-1] + 1
    receive(record, start, end, at_ns, ChunkFlag.TONE_READ | ChunkFlag.AFTER_CANCEL)
    return red(result, "cancel_respected")


def failed(sessions: int, of: int) -> Red:
    """So many sessions end with `internal_error`."""
    result = healthy_run("mixed", LoadPlan(sessions=of, duration_s=6.0, probe_interval_s=0))
    for record in result.sessions[:sessions]:
        record.note(3 * NS_PER_S, EventKind.ERROR, "internal_error: said so")
    return red(result, "internal_error_ratio")


def hurt(calm_ms: int, rise_ms: int) -> Red:
    """Untouched sessions are so much slower while others read slowly."""
    result = faulty_run()
    for record in result.sessions[UNTOUCHED:]:
        for number, end in enumerate(record.chunk_end):
            slow = 10 * NS_PER_S <= record.sent_ns[end] < 16 * NS_PER_S
            record.received_ns[number] = record.sent_ns[end] + (calm_ms + rise_ms * slow) * NS_PER_MS
    return red(result, "isolation_latency")


def held(unsent_mib: float = 0.0, grown_mib: float = 0.0, sent_mib: float = 0.0) -> Red:
    """The gateway of four sessions keeps so much audio, and takes so much more memory for what it sent."""
    result = healthy_run(load=FEW)
    chunks = [(record, number) for record in result.sessions + result.probes for number in range(len(record.pcm_bytes))]
    for record, number in chunks:
        record.pcm_bytes[number] = round(sent_mib * MIB / len(chunks))
    result.samples = [
        GatewaySample(second * NS_PER_S, 0.1, round((60 + grown_mib * second / 4) * MIB), 6, round(unsent_mib * MIB))
        for second in range(5)
    ]
    return red(result, "gateway_resources")


EDGES: dict[str, Callable[[], list[Edge]]] = {
    "send_lateness_p99_ms": lambda: [(late(99), late(101))],
    "loop_delay_p99_ms": lambda: [(delayed(149), delayed(151))],
    # The binomial chance of 5 slow values is 0.00109 in 756 and 0.00091 in 726; one jump has 0.0011 in 18 windows.
    "false_alarm_rate": lambda: [
        (tailed(5, 756, 3000), tailed(5, 726, 3000)),
        (rising(9, 3, 9, 300), rising(9, 3, 10, 300)),
    ],
    "trend_rise_ms": lambda: [(rising(10, 3, 10, 27), rising(10, 3, 10, 29))],
    "trend_rise_share": lambda: [(rising(12, 1000, 8, 1195), rising(12, 1000, 8, 1205))],
    "tail_ms": lambda: [(tailed(20, 1000, 1000), tailed(20, 1000, 1001))],
    "tail_factor": lambda: [(tailed(20, 1000, 2000, 200), tailed(20, 1000, 2001, 200))],
    # The binomial chance of 4 in 450 is 0.0012, of 5 it is 0.0001; of 5 in 1,090 it is 0.0053, of 6 it is 0.0009.
    "tail_share": lambda: [
        (tailed(4, 450, 3000), tailed(5, 450, 3000)),
        (tailed(5, 1090, 3000), tailed(6, 1090, 3000)),
    ],
    "windows": lambda: [(windows_of(39) != 19, windows_of(400) == 20)],
    "cancel_stop_ms": lambda: [(stopped(2000), stopped(2001))],
    "audio_after_cancel_ms": lambda: [(heard(250), heard(251))],
    # At 0.9 % or 99.85 % one error less would be explained in 48 sessions, at 1.1 % or 99.95 % one more in 72.
    "internal_error_share": lambda: [(failed(4, 48), failed(5, 48)), (failed(4, 72), failed(5, 72))],
    "ratio_confidence": lambda: [(failed(4, 48), failed(5, 48)), (failed(4, 72), failed(5, 72))],
    "isolation_rise_ms": lambda: [(hurt(3, 49), hurt(3, 51))],
    "isolation_rise_share": lambda: [(hurt(1000, 495), hurt(1000, 505))],
    "unsent_mib_per_session": lambda: [(held(unsent_mib=4.0), held(unsent_mib=4.1))],
    "memory_floor_mib": lambda: [(held(grown_mib=47.9), held(grown_mib=48.1))],
    "memory_audio_factor": lambda: [
        (held(grown_mib=247.9, sent_mib=100), held(grown_mib=248.1, sent_mib=100)),
    ],
}


def test_each_limit_has_its_edge() -> None:
    assert set(EDGES) == set(Limits.__struct_fields__)


@pytest.mark.parametrize("limit", EDGES)
def test_a_default_is_kept_within_its_edge_and_broken_beyond_it(limit: str) -> None:
    for within, beyond in EDGES[limit]():
        assert (within, beyond) == (False, True)


def test_a_looser_limit_lets_pass_what_the_default_does_not() -> None:
    """The limits that a run is judged by are those that it was given."""
    result = healthy_run(load=FEW)
    result.loop_delays_ns = [200 * NS_PER_MS] * 100
    loose = replace(Limits(), loop_delay_p99_ms=300.0)
    verdicts = [judge(result, limits)[0].verdict for limits in (None, loose)]
    assert verdicts == [Verdict.INVALID, Verdict.PASS]
