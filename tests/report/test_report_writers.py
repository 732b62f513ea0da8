"""Every writer says what it could not write, the others go on, and the verdict stands."""

import errno
import html
import re
from pathlib import Path

import pytest

from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import EventKind
from pytest_wdtts.report import Report, write_all, writing
from pytest_wdtts.report.html import html_page
from pytest_wdtts.report.markdown import markdown
from pytest_wdtts.report.sentences import LANGUAGES, sentences
from pytest_wdtts.verdict import Verdict
from tests.made_up_run import WRONGS, concluded, made_up_report, made_up_run, reported

SECRET = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _no_step_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.mark.parametrize("wrong", ["", *WRONGS])
def test_every_format_of_every_kind_of_run_is_written(tmp_path: Path, wrong: str) -> None:
    written = write_all(made_up_report(wrong), made_up_run(wrong), tmp_path)
    assert [(w.format, w.error) for w in written if w.error] == []
    assert {w.format for w in written} == {"json", "html", "csv", "hlog", "openmetrics", "markdown"}
    assert all(Path(w.path).stat().st_size for w in written)


def test_one_path_that_cannot_be_written_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "baseline.html").mkdir()
    outcome = concluded("lost", tmp_path)
    errors = {w.format: w.error for w in outcome.written if w.error}
    assert list(errors) == ["html"]
    assert (
        errors["html"] == f"html: {tmp_path / 'baseline.html'} cannot be written (Is a directory): see --wdtts-report"
    )
    assert (tmp_path / "baseline.json").exists()
    assert outcome.report.verdict is Verdict.FAIL


def test_a_directory_that_cannot_be_made_is_said_by_each_writer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = concluded("", tmp_path / "file")
    assert all("cannot be written" in w.error for w in outcome.written)
    assert outcome.report.verdict is Verdict.PASS


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(report: Report, path: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setitem(writing.WRITERS, "csv", (".csv", full))
    written = {w.format: w for w in concluded("", tmp_path).written}
    assert "baseline.csv cannot be written (No space left on device)" in written["csv"].error
    assert written["json"].path


def test_a_writer_that_crashes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(report: Report, path: Path) -> Path:
        raise ZeroDivisionError("oops")

    monkeypatch.setitem(writing.WRITERS, "hlog", (".hlog", broken))
    written = {w.format: w for w in concluded("", tmp_path).written}
    assert written["hlog"].error == "hlog: the writer itself failed (ZeroDivisionError: oops)"
    assert written["html"].path


def test_step_summary_is_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    written = {w.format: w for w in concluded("twice", tmp_path / "r").written}
    assert written["step summary"].path == str(summary)
    assert summary.read_text().startswith("before\n## ❌ baseline: fail")


def test_a_step_summary_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    written = {w.format: w for w in concluded("", tmp_path / "r").written}
    assert f"{tmp_path} cannot be written" in written["step summary"].error


def test_what_a_gateway_sent_stays_text() -> None:
    report = made_up_report("errors")
    assert any(SECRET in piece.what for row in report.rows for piece in row.evidence)
    page = html_page(report)
    assert SECRET not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 引擎壞了" in page
    table = markdown(report)
    assert SECRET not in table
    assert "\\|" in table


def test_the_page_needs_nothing_but_itself() -> None:
    page = html_page(made_up_report("lost"))
    head = page[: page.index("<script>")]
    assert re.findall(r'(?:src|href)="[^"]*"|@import|url\(', head) == []
    assert "<link" not in head


def test_the_page_reads_without_scripts() -> None:
    report = made_up_report("lost")
    page = html.unescape(re.sub(r"<script.*?</script>", "", html_page(report), flags=re.DOTALL))
    for language in LANGUAGES:
        for sentence in sentences(report, language):
            assert sentence in page
    for row in report.rows:
        assert f">{row.id}</code>" in page
        for piece in row.evidence:
            assert piece.session in page
    assert report.replay in page


@pytest.mark.parametrize(("sessions", "most_bytes"), [(50, 1_500_000), (2000, 5_000_000)])
def test_sizes_stay_small_and_failing_sessions_are_kept(sessions: int, most_bytes: int) -> None:
    result = made_up_run("errors", LoadPlan(sessions=sessions, cps=5.0, duration_s=60.0))
    report = reported(result)
    failing = {lane.id for lane in report.lanes if lane.trouble}
    assert failing == {record.plan.session_id for record in result.sessions[1::2]}
    assert len(report.lanes) - len(failing) + report.lanes_left_out == sessions // 2
    assert [lane.trouble for lane in report.lanes] == sorted((lane.trouble for lane in report.lanes), reverse=True)
    assert len(html_page(report).encode()) < most_bytes


def test_a_probe_has_a_lane_only_in_trouble() -> None:
    result = made_up_run()
    probe = result.probes[3]
    probe.note(probe.sent_ns[-1], EventKind.ERROR, "internal_error: engine")
    lanes = reported(result).lanes
    assert [lane.id for lane in lanes if lane.trouble] == [probe.plan.session_id]
    assert len(lanes) == len(result.sessions) + 1


@pytest.mark.parametrize(
    ("wrong", "english", "chinese"),
    [
        ("", "The gateway passes", "Gateway 通過"),
        ("lost", "rows: missing_units, sent_equals_received, unit_order.", "Gateway 未通過"),
        ("late", "The run is no evidence and blames no gateway", "不歸咎於 Gateway"),
        ("no audio", "No audio came at all.", "完全沒有收到音訊。"),
    ],
)
def test_three_sentences_in_two_languages(wrong: str, english: str, chinese: str) -> None:
    report = made_up_report(wrong)
    assert english in " ".join(sentences(report, "en"))
    assert chinese in " ".join(sentences(report, "zh"))
