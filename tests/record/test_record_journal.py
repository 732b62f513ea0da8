"""The journal gives back what the live records held, also after a kill."""

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from pytest_wdtts.errors import UsageError
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import (
    ContainerLine,
    ContainerSample,
    EventKind,
    GatewaySample,
    JournalWriter,
    LoopDelayLine,
    RunFooter,
    RunResult,
    SampleLine,
    SessionRecord,
    read_journal,
)
from tests.builders import empty_run, healthy_run, receive, session_plan

COLUMNS = ("sent_ns", "lateness_ns", "received_ns", "chunk_seq", "chunk_start", "chunk_end", "pcm_bytes", "flags")
TIMES = st.integers(0, 2**62)


def content(result: RunResult) -> list[object]:
    """All that a journal has to keep."""
    return [
        result.header,
        result.footer,
        result.samples,
        result.container_samples,
        result.loop_delays_ns,
        result.injected,
        *(
            (record.plan, record.wrong_text, record.events, [getattr(record, name).tolist() for name in COLUMNS])
            for record in (*result.sessions, *result.probes)
        ),
    ]


def test_random_lives_come_back_whole_at_every_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"

    class Lives(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.result = empty_run("mixed", LoadPlan().checked())
            self.result.footer = None
            self.result.loop_delays_ns = []
            self.writer = JournalWriter(path, self.result.header)

        def one(self, place: int) -> SessionRecord:
            if place >= len(self.result.sessions):
                self.result.add(SessionRecord(session_plan(session_id=f"s{len(self.result.sessions)}")))
            return self.result.sessions[min(place, len(self.result.sessions) - 1)]

        @rule(place=st.integers(0, 2), at_ns=TIMES, lateness_ns=TIMES)
        def send(self, place: int, at_ns: int, lateness_ns: int) -> None:
            self.one(place).sent(at_ns, lateness_ns)

        @rule(place=st.integers(0, 2), data=st.data())
        def forget(self, place: int, data: st.DataObject) -> None:
            record = self.one(place)
            record.forget_sent(data.draw(st.integers(0, len(record.sent_ns))))

        @rule(place=st.integers(0, 2), row=st.tuples(TIMES, TIMES, TIMES, TIMES, TIMES, TIMES), wrong=st.booleans())
        def take_chunk(self, place: int, row: tuple[int, int, int, int, int, int], wrong: bool) -> None:
            self.one(place).received(*row, wrong_text="別\ud800" if wrong else None)

        @rule(place=st.integers(0, 2), kind=st.sampled_from(EventKind), detail=st.sampled_from(["", "您", "\ud83d"]))
        def note(self, place: int, kind: EventKind, detail: str) -> None:
            self.one(place).note(7, kind, detail)

        @rule()
        def keep(self) -> None:
            self.writer.checkpoint(self.result)

        @invariant()
        def reads_back(self) -> None:
            self.writer.checkpoint(self.result)
            assert content(read_journal(path)) == content(self.result)

        def teardown(self) -> None:
            self.writer.close()

    run_state_machine_as_test(Lives, settings=settings(max_examples=60, stateful_step_count=20))


def write(path: Path, result: RunResult) -> None:
    writer = JournalWriter(path, result.header)
    writer.checkpoint(result)
    for sample in result.samples:
        writer.write(SampleLine(sample))
    for seen in result.container_samples:
        writer.write(ContainerLine(seen))
    writer.write(LoopDelayLine(1, result.loop_delays_ns))
    if result.footer:
        writer.write(result.footer)
    writer.close()


def test_a_whole_run_comes_back(tmp_path: Path) -> None:
    result = healthy_run(load=LoadPlan(sessions=2, duration_s=6.0))
    result.samples = [GatewaySample(5, 0.25, 4096, 3)]
    result.container_samples = [ContainerSample(5, "web", 0.25, 4096, 3, 0.125)]
    result.injected = {"cancel": 1}
    result.footer = RunFooter(end_ns=9, stopped="interrupted", generator_cpu_s=0.5, injected=result.injected)
    path = tmp_path / "not yet" / "there" / "run.jsonl"
    write(path, result)
    assert content(read_journal(path)) == content(result)


def test_units_sent_again_after_the_journal_had_them(tmp_path: Path) -> None:
    path, result = tmp_path / "run.jsonl", empty_run("mixed", LoadPlan().checked())
    record = SessionRecord(session_plan())
    result.add(record)
    writer = JournalWriter(path, result.header)
    for at_ns in (1, 2, 3):
        record.sent(at_ns, 0)
    writer.checkpoint(result)
    record.forget_sent(1)
    writer.checkpoint(result)
    assert read_journal(path).sessions[0].sent_ns.tolist() == [1]
    record.sent(9, 0)
    writer.checkpoint(result)
    writer.close()
    assert read_journal(path).sessions[0].sent_ns.tolist() == [1, 9]


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    path, result = tmp_path / "run.jsonl", healthy_run(load=LoadPlan(sessions=1, duration_s=3.0))
    writer = JournalWriter(path, result.header)
    writer.checkpoint(result)
    size_bytes = path.stat().st_size
    writer.checkpoint(result)
    writer.close()
    assert path.stat().st_size == size_bytes


def test_every_torn_end_reads_up_to_the_tear(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    result = healthy_run(load=LoadPlan(sessions=2, duration_s=3.0, probe_interval_s=0.0))
    write(path, result)
    whole = path.read_bytes()
    last_line = whole.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(last_line, len(whole)):
        path.write_bytes(whole[:cut])
        seen = read_journal(path)
        assert len(seen.sessions) == 2
        assert (seen.footer is None) == (cut < len(whole) - 1)


def test_damage_before_the_end_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write(path, healthy_run(load=LoadPlan(sessions=2, duration_s=3.0, probe_interval_s=0.0)))
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2][:-7]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(UsageError, match=r"run.jsonl:3 is damaged .*the run cannot be judged again"):
        read_journal(path)


def test_session_line_without_its_plan_is_damage_too(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write(path, healthy_run(load=LoadPlan(sessions=1, duration_s=3.0, probe_interval_s=0.0)))
    lines = path.read_bytes().split(b"\n")
    lines[1] = b'{"line":"session","id":"nobody","first_unit":0}'
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(UsageError, match=r"run.jsonl:2 is damaged"):
        read_journal(path)


@pytest.mark.parametrize(
    ("first_line", "words"),
    [
        (b'{"line":"run","schema":"wdtts.run/9"}', 'has "wdtts.run/9", this version reads "wdtts.run/1"'),
        (b'{"line":"run"}', "has no schema"),
        (b'{"line":"run","schema":"wdtts.run/1"}', "is no journal of a run"),
        (b"[1, 2]", "is no journal of a run"),
        (b"", "is no journal of a run"),
        (b"\x89PNG\r\n", "is no journal of a run"),
    ],
)
def test_what_is_no_journal_of_ours_is_refused_in_words(tmp_path: Path, first_line: bytes, words: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(first_line + b"\n")
    with pytest.raises(UsageError) as error:
        read_journal(path)
    assert words in str(error.value)


def test_no_journal_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the directory of a saved run"):
        read_journal(tmp_path / "none.jsonl")


def test_the_first_plan_line_names_the_session() -> None:
    record = SessionRecord(session_plan())
    first = record.take_delta()
    assert first is not None
    assert first.plan == record.plan
    assert record.take_delta() is None
    record.sent(1, 0)
    receive(record, 0, 0)
    second = record.take_delta()
    assert second is not None
    assert second.plan is None
