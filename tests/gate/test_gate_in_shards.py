"""All parts begin together, or the run says which did not."""

import time
from pathlib import Path

import pytest

from pytest_wdtts.errors import OwnFailure
from pytest_wdtts.gate import Order
from pytest_wdtts.gate.in_shards import follow_word, judge_parts
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import RunResult
from pytest_wdtts.run import SCENARIOS, Snapshot, plan_run
from pytest_wdtts.shards import Seat, Word, part_path, sound_path, write_merged
from pytest_wdtts.stack import Gateway
from tests.builders import healthy_run


class Nobody:
    """A leader that is never asked for anything."""

    def come_to(self, point: str) -> None:
        raise AssertionError(point)

    def await_leader(self, point: str) -> None:
        raise AssertionError(point)

    def watch(self, now: Snapshot) -> None:
        raise AssertionError(now)


def word(origin_ns: int) -> Word:
    plan = plan_run(SCENARIOS["baseline"], "r", {"sessions": 2, "duration_s": 3.0}, {})
    gateway = Gateway("ws://127.0.0.1:9/tts")
    return Word(plan=plan, gateway=gateway, stack="external", transport="auto", origin_ns=origin_ns, order={})


def test_a_part_that_is_not_ready_at_the_common_start_sends_nothing_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(OwnFailure, match=r"ready \d+ ms after the common start: give the workers more CPU"):
        follow_word(word(time.monotonic_ns() - 1_000_000), Seat(1, 2), Nobody(), tmp_path / "part.jsonl")
    assert not list(tmp_path.iterdir())


def test_a_part_without_sessions_is_through_at_once(tmp_path: Path) -> None:
    follow_word(word(0), Seat(2, 3), Nobody(), tmp_path / "part.jsonl")
    assert not list(tmp_path.iterdir())


def test_the_judge_of_all_parts_hears_the_failing_sessions_of_each(tmp_path: Path) -> None:
    whole = healthy_run(load=LoadPlan(sessions=4, duration_s=4.0))
    for number in range(2):
        part = RunResult(whole.header)
        part.footer = whole.footer
        for record in whole.sessions[number::2]:
            part.add(record)
            part.shelf.keep(record, b"\x01\x02" * 320)
        part.sessions[0].wrong_text[0] = "錯" * (part.sessions[0].chunk_end[0] + 1)
        write_merged(part, part_path(tmp_path, "baseline", number))
        part.shelf.store(sound_path(tmp_path, "baseline", number))
    order = Order(scenario="baseline", report_dir=str(tmp_path))
    outcome = judge_parts(order, whole.header.run_id, Seat(0, 2, leads=True), {}, {})
    broken = {record.plan.session_id for record in whole.sessions[:2]}
    sounds = {
        Path(written.path).stem.removeprefix("baseline.") for written in outcome.written if written.format == "wav"
    }
    assert sounds == broken
    assert not list(tmp_path.glob("*.sound"))
