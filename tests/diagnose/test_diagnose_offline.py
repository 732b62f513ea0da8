"""Saved steps are judged again as they were judged live; the report says it in both languages; bad input is refused."""

from pathlib import Path

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from pytest_wdtts.attribution import DEFAULT_OBJECTIVE, Cause, Seen, Step, diagnose, read_objective
from pytest_wdtts.cli import main
from pytest_wdtts.cli.diagnose import EXIT_CODES
from pytest_wdtts.cli.judge import find_journals
from pytest_wdtts.diagnose import conclude_diagnosis, write_concluded
from pytest_wdtts.diagnose.evidence import FOLDER, INDEX, EndLine, Head, StepLine, append, begin
from pytest_wdtts.errors import OwnFailure, UsageError
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import JournalWriter
from pytest_wdtts.report.diagnosis import DiagnosisReport, build_diagnosis, diagnosis_lines
from pytest_wdtts.report.diagnosis.words import table
from pytest_wdtts.report.schema import diagnosis_schema
from tests.builders import healthy_run
from tests.made_up_steps import IDLE, healthy_steps, percentiles, seen_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The evidence of a diagnosis of three steps, in a directory of its own."""
    head = Head(objective=DEFAULT_OBJECTIVE, seed=1, url="ws://127.0.0.1:9/tts", stack="external")
    folder = begin(tmp_path, head)
    for number, sessions in enumerate((4, 8, 4)):
        load = LoadPlan(sessions=sessions, cps=20.0, duration_s=4.0)
        result = healthy_run(f"step-{number}", load)
        journal = JournalWriter(folder / f"step-{number}.jsonl", result.header)
        journal.checkpoint(result)
        assert result.footer is not None
        journal.write(result.footer)
        journal.close()
        step = Step(experiment="ladder", sessions=sessions, cps=20.0, duration_s=4.0, corpus="zh_high_punct")
        append(folder, StepLine(step, IDLE, f"step-{number}.jsonl"))
    append(folder, EndLine(IDLE, took_s=12.0))
    return tmp_path


def made_up(steps: Seen) -> DiagnosisReport:
    objective = read_objective(DEFAULT_OBJECTIVE)
    diagnosis = diagnose(steps, objective)
    return build_diagnosis(
        diagnosis,
        steps,
        objective,
        stopped="",
        took_s=40.0,
        url="ws://x/tts",
        stack="external",
        seed=1,
        gateway={},
        environment={},
    )


def test_saved_steps_are_judged_again_offline(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, paths = write_concluded(conclude_diagnosis(saved))
    assert (report.cause, report.capacity.held, len(report.steps)) == (Cause.NONE, 8, 3)
    assert sorted(path.name for path in paths) == ["diagnosis.html", "diagnosis.json"]
    assert main(["diagnose", "--again", str(saved), "--lang", "zh"]) == 0
    assert "未發現原因" in capsys.readouterr().out


def test_its_steps_are_journals_like_any_other(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(saved / FOLDER)]) == 0
    assert capsys.readouterr().out.count("run_valid") == 3
    with pytest.raises(UsageError, match="no journal"):
        find_journals(str(saved))


def test_a_new_diagnosis_takes_the_place_of_the_old_one(saved: Path) -> None:
    begin(saved, Head(objective=DEFAULT_OBJECTIVE, seed=2, url="", stack="external"))
    assert conclude_diagnosis(saved).seen.steps == ()
    assert list((saved / FOLDER).glob("*.jsonl")) == []


def test_the_report_keeps_to_its_published_schema(saved: Path) -> None:
    published = ROOT / "docs" / "diagnosis.schema.json"
    hint = "python -m pytest_wdtts.report.schema diagnosis > docs/diagnosis.schema.json"
    assert published.read_bytes() == diagnosis_schema(), f"the model has changed; write it again: {hint}"
    write_concluded(conclude_diagnosis(saved))
    jsonschema.validate(
        msgspec.json.decode((saved / "diagnosis.json").read_bytes()), msgspec.json.decode(published.read_bytes())
    )


@pytest.mark.parametrize("damage", ["", "{}\n", '{"line":"end","after":{}}\n'])
def test_what_is_no_saved_diagnosis_is_refused(tmp_path: Path, damage: str) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / INDEX).write_text(damage)
    with pytest.raises(UsageError, match="diagnosis"):
        conclude_diagnosis(tmp_path)


def test_a_directory_without_evidence_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "--again", str(tmp_path)]) == 4
    assert "give the report directory" in capsys.readouterr().err


def test_evidence_that_cannot_be_kept_is_our_own_failure(saved: Path) -> None:
    (saved / FOLDER / INDEX).unlink()
    (saved / FOLDER / INDEX).mkdir()
    with pytest.raises(OwnFailure, match="cannot be kept"):
        append(saved / FOLDER, EndLine(IDLE))


def test_an_index_that_was_cut_short_says_so(saved: Path) -> None:
    index = saved / FOLDER / INDEX
    index.write_bytes(b"\n".join(index.read_bytes().splitlines()[:-1]) + b"\n")
    assert "cut short" in conclude_diagnosis(saved).end.stopped


@pytest.mark.parametrize("journal", ["broken off", "killed", "none"])
def test_a_last_step_that_was_broken_off_blames_nobody(saved: Path, journal: str) -> None:
    """Not even our own sending, where it was the first."""
    index, path = saved / FOLDER / INDEX, saved / FOLDER / "step-0.jsonl"
    head, first, *_ = index.read_bytes().splitlines()
    index.write_bytes(b"\n".join([head, first, b""]))
    append(saved / FOLDER, EndLine(IDLE, "interrupted after 3 s; it may take 190 s"))
    lines = path.read_bytes().splitlines()
    if journal == "none":
        path.unlink()
    elif journal == "killed":
        path.write_bytes(b"\n".join([*lines[:-1], b""]))
    else:
        path.write_bytes(b"\n".join([*lines[:-1], lines[-1].replace(b'"stopped":""', b'"stopped":"interrupted"'), b""]))
    concluded = conclude_diagnosis(saved)
    assert (concluded.seen.steps, concluded.diagnosis.cause) == ((), Cause.UNKNOWN)
    report, _ = write_concluded(concluded)
    assert "ended early" in "\n".join(diagnosis_lines(report))
    assert "3 秒後中斷；最多可能需要 190 秒" in "\n".join(diagnosis_lines(report, "zh"))


@pytest.mark.parametrize("arguments", [["--objective", "fast"], ["--max-sessions", "0"], ["--cps", "0"]])
def test_bad_input_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", *arguments]) == 4
    assert capsys.readouterr().err.startswith("wdtts: ")


def test_nobody_at_home_is_our_own_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "--url", "ws://127.0.0.1:1/tts", "--report", str(tmp_path)]) == 3
    assert "nobody answers" in capsys.readouterr().err


def test_every_cause_has_words_and_an_exit_code_that_is_documented() -> None:
    reference = (ROOT / "docs/reference/diagnosis.md").read_text(encoding="utf-8")
    assert set(table()["causes"]) == set(Cause)
    assert set(EXIT_CODES) == {cause.value for cause in Cause}
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    for cause, code in EXIT_CODES.items():
        assert f"| `{cause}` | {code} |" in reference


def test_every_fact_can_be_said_in_both_languages() -> None:
    said = made_up(seen_of(healthy_steps()))
    slow = {"service_time_ms": percentiles(900, 4000), "ttfa_ms": percentiles(700, 3000)}
    broken = made_up(
        seen_of([replace(s, figures=s.figures | slow) if s.step.sessions == 50 else s for s in healthy_steps()])
    )
    for report in (said, broken):
        for language in ("en", "zh"):
            lines = "\n".join(diagnosis_lines(report, language))
            assert "{" not in lines
            assert report.title[language] in lines
    assert "gateway is not slow" in said.title["en"]
    assert [told.key for told in broken.findings[0].evidence_for] == ["rises_together"]


def test_a_diagnosis_reads_in_ten_seconds() -> None:
    lines = diagnosis_lines(made_up(seen_of(healthy_steps())))
    assert len(lines) < 24
    assert lines[0].startswith("cause: no cause found")
