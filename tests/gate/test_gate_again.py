"""A run that is no evidence since we were late is driven again where that is asked for, and nothing else is."""

import time
from pathlib import Path

import pytest

from pytest_wdtts.gate import Order, Outcome, carry_out
from pytest_wdtts.record import read_journal
from pytest_wdtts.run import Remark, Snapshot
from pytest_wdtts.verdict import Limits, Verdict, judge

PATIENT = Limits(send_lateness_p99_ms=2000.0, loop_delay_p99_ms=2000.0)
ALWAYS_LATE = Limits(send_lateness_p99_ms=-1.0)


def order(directory: Path, *defects: str) -> Order:
    load: dict[str, object] = {"sessions": 2, "cps": 20.0, "duration_s": 2.0, "warmup_s": 0.5, "ramp_s": 0.0}
    return Order(scenario="baseline", load=load, stack="embedded", defects=defects, report_dir=str(directory))


def verdicts(outcome: Outcome) -> list[Verdict]:
    return [tried.report.verdict for tried in (*outcome.earlier, outcome)]


def test_who_was_late_once_tries_again_and_keeps_the_evidence(tmp_path: Path) -> None:
    told: list[str] = []

    def block_the_first_try(now: Snapshot | Remark) -> None:
        if isinstance(now, Remark):
            told.append(now.words)
        elif not told:
            time.sleep(5)  # It is called on the loop that sends.

    outcome = carry_out(order(tmp_path), block_the_first_try, PATIENT, again=2)
    assert verdicts(outcome) == [Verdict.INVALID, Verdict.PASS]
    assert len(told) == 1
    assert told[0].startswith("invalid, and once more (1 of 2): send lateness p99 ")
    first = outcome.earlier[0]
    assert Path(first.report_path) == tmp_path / "invalid-1/baseline.json"
    kept = read_journal(tmp_path / "invalid-1/baseline.jsonl")
    assert judge(kept, PATIENT) == list(first.report.rows)
    assert Path(outcome.report_path) == tmp_path / "baseline.json"
    assert judge(read_journal(tmp_path / "baseline.jsonl"), PATIENT) == list(outcome.report.rows)
    assert first.result.header.run_id != outcome.result.header.run_id, "the gateway may remember the first"


def test_it_gives_up_after_so_many_times(tmp_path: Path) -> None:
    outcome = carry_out(order(tmp_path), limits=ALWAYS_LATE, again=1)
    assert verdicts(outcome) == [Verdict.INVALID, Verdict.INVALID]
    assert sorted(path.name for path in tmp_path.glob("invalid-*")) == ["invalid-1"]


def test_without_being_asked_nobody_tries_again(tmp_path: Path) -> None:
    assert verdicts(carry_out(order(tmp_path), limits=ALWAYS_LATE)) == [Verdict.INVALID]


def test_a_gateway_that_failed_gets_no_second_try(tmp_path: Path) -> None:
    outcome = carry_out(order(tmp_path, "chunk_lost:rate=0.5"), limits=PATIENT, again=2)
    assert verdicts(outcome) == [Verdict.FAIL]


def test_where_the_evidence_cannot_be_kept_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "invalid-1").write_text("in the way")
    with pytest.raises(Exception, match=r"invalid-1.*see --wdtts-report"):
        carry_out(order(tmp_path), limits=ALWAYS_LATE, again=1)
