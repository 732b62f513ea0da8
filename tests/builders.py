"""Evidence by hand: session records and whole runs, healthy unless a test breaks them."""

from collections.abc import Callable, Sequence

from msgspec import to_builtins

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.faults import Cancel, Disconnect, Fault, SlowReader
from pytest_wdtts.load import LoadPlan, SessionPlan, load_corpus, plan_probes, plan_sessions
from pytest_wdtts.protocol import chunk_ends
from pytest_wdtts.record import (
    ChunkFlag,
    EventKind,
    GatewaySample,
    RunFooter,
    RunHeader,
    RunResult,
    SessionEvent,
    SessionRecord,
)

SERVICE_NS = 3 * NS_PER_MS
PCM_BYTES_PER_UNIT = 1280
SAMPLES = tuple(GatewaySample(second * NS_PER_S, 0.1 * second, 60 * 1024 * 1024, 6, 0) for second in range(5))
"""A gateway whose memory stays as it is."""
Service = Callable[[int], int]
"""Service time in ns of a chunk whose last unit was sent at that time."""


def steady(sent_ns: int) -> int:
    """Every chunk takes 3 ms."""
    return SERVICE_NS


def session_plan(
    text: str = "您好，世界。", session_id: str = "s", index: int = 0, interval_ms: int = 100
) -> SessionPlan:
    """One session that types a short text from the run's origin on."""
    return SessionPlan(
        session_id=session_id,
        text=text,
        open_ns=0,
        first_unit_ns=interval_ms * NS_PER_MS,
        interval_ns=interval_ms * NS_PER_MS,
        index=index,
    )


def opened_record(plan: SessionPlan) -> SessionRecord:
    """A session that is open and has sent nothing."""
    record = SessionRecord(plan)
    for offset_ns, kind in ((0, EventKind.OPENING), (NS_PER_MS, EventKind.OPENED), (2 * NS_PER_MS, EventKind.ACKED)):
        record.note(plan.open_ns + offset_ns, kind)
    return record


def send_all(record: SessionRecord, units: int | None = None) -> None:
    """Send the first `units` units (all) on time."""
    for unit in range(len(record.plan.text) if units is None else units):
        record.sent(record.plan.due_ns(unit), 0)


def receive(record: SessionRecord, start: int, end: int, at_ns: int | None = None, flags: int = 0) -> None:
    """Receive one chunk, by default 3 ms after its last unit left, with the next `chunk_seq`."""
    if at_ns is None:
        at_ns = record.sent_ns[min(end, len(record.sent_ns) - 1)] + SERVICE_NS
    seq = record.chunk_seq[-1] + 1 if record.chunk_seq else 0
    record.received(at_ns, seq, start, end, PCM_BYTES_PER_UNIT * (end - start + 1), flags or ChunkFlag.TONE_READ)


def finish(record: SessionRecord, at_ns: int, cancelled: bool = False) -> None:
    """The gateway ends the session as it should."""
    record.note(at_ns, EventKind.ENDED, "cancelled" if cancelled else "")
    record.note(at_ns + NS_PER_MS, EventKind.CLOSED, "1000")


def healthy(plan: SessionPlan, service: Service = steady) -> SessionRecord:
    """A session without a flaw: everything sent on time, flushed by the rule, ended well."""
    record = opened_record(plan)
    send_all(record)
    record.note(record.sent_ns[-1], EventKind.TEXT_END_SENT)
    start = 0
    for end in chunk_ends(plan.text):
        receive(record, start, end, record.sent_ns[end] + service(record.sent_ns[end]))
        start = end + 1
    finish(record, record.received_ns[-1] + NS_PER_MS)
    return record


def empty_run(scenario: str, load: LoadPlan, faults: Sequence[Fault] = ()) -> RunResult:
    """A run that went to its end, with nothing in it."""
    header = RunHeader(
        scenario=scenario,
        run_id="r",
        url="ws://127.0.0.1:9/tts",
        stack="external",
        load=load,
        planned_faults=to_builtins(list(faults)),
    )
    result = RunResult(header)
    result.loop_delays_ns = [NS_PER_MS] * 100
    result.footer = RunFooter(end_ns=round((load.duration_s + 2) * NS_PER_S), generator_cpu_s=1.0)
    return result


def healthy_run(
    scenario: str = "baseline",
    load: LoadPlan | None = None,
    faults: Sequence[Fault] = (),
    service: Service = steady,
) -> RunResult:
    """A whole run without a flaw; a planned fault has not happened until a test makes it so."""
    load = (load or LoadPlan(sessions=8, duration_s=30.0)).checked()
    result = empty_run(scenario, load, faults)
    result.samples = list(SAMPLES)
    for plan in (*plan_sessions(load, load_corpus(load.corpus), "r"), *plan_probes(load, "r")):
        result.add(healthy(plan, service))
    return result


# --- faults that happened, each healthy in its way ---


def faulty_run(scenario: str = "heavy") -> RunResult:
    """A whole run in which a gateway withstood every fault: 0 was cut, 1 cancelled, 2 and 3 read slowly."""
    load = LoadPlan(sessions=12, duration_s=30.0).checked()
    faults: list[Fault] = [
        Disconnect(session=0, at_ns=10 * NS_PER_S, delay_ns=2 * NS_PER_S),
        Cancel(session=1, at_ns=10 * NS_PER_S),
        SlowReader(session=2, at_ns=10 * NS_PER_S, pause_ns=5 * NS_PER_S),
        SlowReader(session=3, at_ns=10 * NS_PER_S, pause_ns=5 * NS_PER_S),
    ]
    result = empty_run(scenario, load, faults)
    result.samples = list(SAMPLES)
    result.injected = {"disconnect": 1, "cancel": 1, "slow_reader": 2}
    plans = plan_sessions(load, load_corpus(load.corpus), "r")
    for plan, made in zip(plans, (resumed, cancelled, healthy, pressed, *[healthy] * 8), strict=True):
        result.add(made(plan))
    for plan in plan_probes(load, "r"):
        result.add(healthy(plan))
    return result


def resumed(plan: SessionPlan) -> SessionRecord:
    """Cut at 10 s and back at 12 s, with every unit once."""
    record = healthy(plan)
    begun = [event for event in record.events if event.at_ns < 10 * NS_PER_S]
    ended = record.events[len(begun) :]
    record.events = [
        *begun,
        SessionEvent(10 * NS_PER_S, EventKind.FAULT, "reset"),
        SessionEvent(12 * NS_PER_S, EventKind.HEALED),
        SessionEvent(12 * NS_PER_S, EventKind.RESUME_SENT, "7"),
        *ended,
    ]
    return record


def cancelled(plan: SessionPlan) -> SessionRecord:
    """Cancelled after unit 40; the gateway stops and says so."""
    record = opened_record(plan)
    send_all(record, 41)
    start = 0
    for end in (end for end in chunk_ends(plan.text) if end <= 38):
        receive(record, start, end)
        start = end + 1
    record.note(record.sent_ns[-1], EventKind.CANCEL_SENT)
    finish(record, record.sent_ns[-1] + 2 * NS_PER_MS, cancelled=True)
    return record


def pressed(plan: SessionPlan) -> SessionRecord:
    """A slow reader that got `backpressure` when half of its text was sent."""
    record = opened_record(plan)
    send_all(record, len(plan.text) // 2)
    record.note(record.sent_ns[-1], EventKind.FAULT, "slow_reader")
    record.note(record.sent_ns[-1] + NS_PER_MS, EventKind.ERROR, "backpressure: too slow")
    record.note(record.sent_ns[-1] + 2 * NS_PER_MS, EventKind.CLOSED, "1000")
    return record
