"""Evidence first: a saved run is judged again offline with the same rows, replayed by one line, and readable."""

import json
import re
from pathlib import Path

import pytest

from pytest_wdtts.cli import exit_code, main
from pytest_wdtts.cli.judge import find_journals
from pytest_wdtts.cli.session import timeline
from pytest_wdtts.gate import Order, Outcome, carry_out
from pytest_wdtts.record import read_journal
from pytest_wdtts.report import failure_message
from pytest_wdtts.verdict import Limits, Verdict, judge
from tests.builders import healthy, opened_record, receive, session_plan


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A short run against a gateway that loses chunks."""
    return carry_out(
        Order(
            scenario="baseline",
            load={"sessions": 4, "cps": 20.0, "duration_s": 4.0},
            stack="embedded",
            defects=("chunk_lost:rate=0.1",),
            report_dir=str(tmp_path_factory.mktemp("run")),
        )
    )


def journal(outcome: Outcome) -> Path:
    return Path(outcome.report_path).parent / "baseline.jsonl"


def test_offline_gives_the_rows_of_the_live_run(outcome: Outcome) -> None:
    assert judge(read_journal(journal(outcome))) == list(outcome.report.rows)


def test_offline_with_other_limits_gives_what_live_would(outcome: Outcome) -> None:
    strict = Limits(send_lateness_p99_ms=0.0)
    again = judge(read_journal(journal(outcome)), strict)
    assert again == judge(outcome.result, strict)
    assert again != list(outcome.report.rows)
    assert again[0].verdict is Verdict.INVALID


def test_a_journal_that_broke_off_is_no_evidence(outcome: Outcome, tmp_path: Path) -> None:
    whole = journal(outcome).read_bytes()
    (tmp_path / "baseline.jsonl").write_bytes(whole[: len(whole) * 2 // 3])
    assert judge(read_journal(tmp_path / "baseline.jsonl"))[0].verdict is Verdict.INVALID


def test_the_command_prints_the_same_rows(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["judge", str(journal(outcome).parent)])
    out = capsys.readouterr().out
    printed = re.findall(r"^  (\w+) +(\w+): (.*) \[limit: ", out, re.M)
    assert printed == [(row.verdict.value, row.id, row.observed) for row in outcome.report.rows]
    assert code == {Verdict.FAIL: 1, Verdict.INVALID: 3}[outcome.report.verdict]
    failed = [row for row in outcome.report.rows if row.verdict is Verdict.FAIL]
    for piece in (piece for row in failed for piece in row.evidence):
        assert re.search(
            rf"{piece.at_s:.3f} s  {piece.session or 'all sessions'}: +{re.escape(piece.what)}$", out, re.M
        )
    assert f"  replay: {outcome.report.replay}\n" in out or not failed


def test_the_command_takes_other_limits(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(journal(outcome)), "--limit", "send_lateness_p99_ms=0"]) == 3
    assert "partial" not in capsys.readouterr().out


def test_a_row_that_fails_names_sessions_and_times_and_one_line_that_replays(outcome: Outcome) -> None:
    row = next(row for row in judge(outcome.result) if row.id == "missing_units")
    assert row.evidence
    for piece in row.evidence:
        assert piece.session in {record.plan.session_id for record in outcome.result.sessions + outcome.result.probes}
        assert piece.at_s > 0
    message = failure_message(row, outcome.report, outcome.report_path)
    (replay,) = [line for line in message.splitlines() if line.startswith("  replay: ")]
    assert (
        "wdtts accept --scenario baseline -- --wdtts-seed 1 --wdtts-sessions 4 --wdtts-cps 20 --wdtts-duration 4"
        in replay
    )
    assert "chunk_lost:rate=0.1" in replay


def test_the_journal_holds_the_order_that_replays(outcome: Outcome) -> None:
    header = json.loads(journal(outcome).read_text(encoding="utf-8").splitlines()[0])
    assert header["load"]["seed"] == 1
    assert header["load"]["sessions"] == 4


def test_a_session_s_timeline_is_readable(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    session_id = outcome.result.sessions[0].plan.session_id
    assert main(["session", str(journal(outcome).parent), session_id]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"session {session_id}: 80 units planned, ")
    times = [float(line.split()[0]) for line in lines[1:]]
    assert times == sorted(times)
    assert any(re.search(r"audio_chunk 0: units 0\.\.\d+ '.+', \d+ bytes", line) for line in lines)
    assert lines[-1].endswith("closed: 1000")


def test_the_parts_of_a_run_are_no_runs_beside_it(tmp_path: Path) -> None:
    parts = [tmp_path / f"mixed.shard-{number}.jsonl" for number in (0, 12)]
    for path in parts:
        path.touch()
    assert find_journals(str(tmp_path)) == parts, "nobody united them: they are all there is"
    whole = [tmp_path / "baseline.jsonl", tmp_path / "mixed.jsonl"]
    for path in whole:
        path.touch()
    assert find_journals(str(tmp_path)) == whole
    assert find_journals(str(parts[0])) == parts[:1], "who asks for one gets it"


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 0),
        (["pass", "not_assessable"], 0),
        (["pass", "invalid"], 3),
        (["invalid", "fail"], 1),
        (["fail"], 1),
    ],
)
def test_a_gateway_that_failed_once_has_failed_whatever_the_other_runs_were(verdicts: list[str], code: int) -> None:
    assert exit_code(map(Verdict, verdicts)) == code


def test_a_timeline_takes_any_index_that_a_gateway_sends() -> None:
    record = opened_record(session_plan())
    record.received(5, 0, -1, -1, 0, 0)
    assert "after its last unit" not in "".join(timeline(record))


def test_a_timeline_shows_what_came_before(capsys: pytest.CaptureFixture[str]) -> None:
    record = healthy(session_plan("您好，世界。"))
    receive(record, 2, 5)
    assert [line.split("  [")[1] for line in timeline(record) if "  [" in line] == ["4 of them came before]"]
    record.received(10**9, 9, -(2**62), 2**62, 0, 0)
    assert timeline(record)[-1].endswith("[6 of them came before]")
