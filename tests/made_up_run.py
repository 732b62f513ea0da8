"""A run that no gateway served: healthy, or with one thing wrong with it on demand."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.gate import Outcome, conclude
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import ChunkFlag, EventKind, GatewaySample, RunResult, SessionRecord
from pytest_wdtts.report import Report, build_report
from pytest_wdtts.verdict import judge
from pytest_wdtts.verdict.case import Case
from tests.builders import healthy_run, receive

COLUMNS = ("received_ns", "chunk_seq", "chunk_start", "chunk_end", "pcm_bytes", "flags")


def made_up_run(wrong: str = "", load: LoadPlan | None = None) -> RunResult:
    """Return the evidence of a run; `wrong` is one of `WRONGS` or nothing."""
    result = healthy_run(
        load=load or LoadPlan(sessions=6, cps=10.0, duration_s=12.0),
        service=lambda sent_ns: 2 * NS_PER_MS + sent_ns * 7919 % (7 * NS_PER_MS),
    )
    result.header = replace(
        result.header,
        origin_unix_s=1_790_000_000.5,
        planned_faults=list(result.header.planned_faults),
        environment={"pytest_wdtts": "0.1.0", "python": "3.11.7", "cpus": "2", "commit": "abc1234"},
        gateway={"version": "0.1.0", "engine": "dummy"},
    )
    result.samples = [GatewaySample(at * NS_PER_S, 0.05 * at, 60_000_000 + 100_000 * at, 6) for at in range(12)]
    if wrong:
        WRONGS[wrong](result)
    return result


@cache
def made_up_report(wrong: str = "", load: LoadPlan | None = None) -> Report:
    """Judge such a run, and return its report."""
    return reported(made_up_run(wrong, load))


def reported(result: RunResult) -> Report:
    """Judge evidence, and return the report."""
    header = result.header
    replay = f"wdtts accept --scenario {header.scenario} -- --wdtts-seed {header.load.seed}"
    return build_report(Case(result), judge(result), replay)


def concluded(wrong: str, directory: Path) -> Outcome:
    """Judge such a run and write its reports, as after a real one."""
    return conclude(made_up_run(wrong), directory)


def _drop(record: SessionRecord, number: int) -> None:
    for column in COLUMNS:
        del getattr(record, column)[number]


def _lost(result: RunResult) -> None:
    for record in result.sessions[::3]:
        _drop(record, len(record.received_ns) // 2)


def _twice(result: RunResult) -> None:
    for record in result.sessions[::3]:
        receive(record, record.chunk_start[-1], record.chunk_end[-1], record.received_ns[-1] + NS_PER_MS)


def _changed(result: RunResult) -> None:
    record = result.sessions[1]
    record.wrong_text[2] = "錯" * (record.chunk_end[2] - record.chunk_start[2] + 1)
    record.flags[2] |= ChunkFlag.WRONG_UNITS


def _slower(result: RunResult) -> None:
    for record in result.sessions:
        for number, end in enumerate(record.chunk_end):
            record.received_ns[number] += record.sent_ns[end] // 10


def _errors(result: RunResult) -> None:
    for record in result.sessions[1::2]:
        at_ns = record.sent_ns[-20]
        record.events = [event for event in record.events if event.at_ns < at_ns]
        record.note(at_ns, EventKind.ERROR, "internal_error: <script>alert(1)</script> 引擎壞了 | `oops`")
        record.note(at_ns, EventKind.CLOSED, "1000")
        while record.received_ns[-1] > at_ns:
            _drop(record, len(record.received_ns) - 1)


def _late(result: RunResult) -> None:
    for record in result.sessions:
        for unit in range(len(record.lateness_ns)):
            record.lateness_ns[unit] = 400 * NS_PER_MS


def _no_audio(result: RunResult) -> None:
    for record in (*result.sessions, *result.probes):
        while record.received_ns:
            _drop(record, 0)


def _cut_short(result: RunResult) -> None:
    assert result.footer
    result.footer = replace(result.footer, stopped="interrupted")


WRONGS: dict[str, Callable[[RunResult], None]] = {
    "lost": _lost,
    "twice": _twice,
    "changed": _changed,
    "slower": _slower,
    "errors": _errors,
    "late": _late,
    "no audio": _no_audio,
    "cut short": _cut_short,
}
