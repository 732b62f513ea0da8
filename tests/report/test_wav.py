"""The sound of failing sessions lies beside the report, and only theirs."""

import wave
from pathlib import Path

from pytest_wdtts.gate import conclude
from pytest_wdtts.load import LoadPlan
from tests.builders import healthy_run


def test_a_failing_session_can_be_heard(tmp_path: Path) -> None:
    result = healthy_run(load=LoadPlan(sessions=3, duration_s=4.0))
    broken, sound = result.sessions[1], result.sessions[0]
    for record in (broken, sound):
        result.shelf.keep(record, bytes(640))
        result.shelf.keep(record, b"\x01\x02" * 320)
    broken.wrong_text[0] = "錯" * (broken.chunk_end[0] + 1)
    outcome = conclude(result, tmp_path)
    (path,) = [Path(written.path) for written in outcome.written if written.format == "wav"]
    assert broken.plan.session_id in path.name
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (16000, 1, 2, 640)


def test_a_green_run_leaves_no_sound(tmp_path: Path) -> None:
    outcome = conclude(healthy_run(load=LoadPlan(sessions=3, duration_s=4.0)), tmp_path)
    assert not list(tmp_path.glob("*.wav"))
    assert not [written.error for written in outcome.written if written.error]


def test_the_sound_of_an_earlier_run_does_not_stay_beside_this_one(tmp_path: Path) -> None:
    result = healthy_run(load=LoadPlan(sessions=3, duration_s=4.0))
    earlier, own, other = (
        tmp_path / f"{result.header.scenario}.wdtts-before-00001.wav",
        tmp_path / f"{result.header.scenario}.wdtts-{result.header.run_id}-00001.wav",
        tmp_path / "mine.wav",
    )
    for path in (earlier, own, other):
        path.write_bytes(b"RIFF")
    conclude(result, tmp_path)
    assert [path.exists() for path in (earlier, own, other)] == [False, True, True]


def test_sessions_without_sound_take_nobodys_place(tmp_path: Path) -> None:
    result = healthy_run(load=LoadPlan(sessions=8, duration_s=4.0))
    for record in result.sessions:
        record.wrong_text[0] = "錯" * (record.chunk_end[0] + 1)
    last = result.sessions[-1]
    result.shelf.keep(last, b"\x01\x02" * 320)
    outcome = conclude(result, tmp_path)
    assert [written.format for written in outcome.written].count("wav") == 1
    assert list(tmp_path.glob(f"*{last.plan.session_id}.wav"))
