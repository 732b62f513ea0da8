"""The ten-second summary: colour by verdict, straight columns with Chinese in them, evidence where asked for."""

import pytest

from pytest_wdtts.report import failure_message, styled_lines, summary_lines
from pytest_wdtts.report.terminal import padded, wide
from pytest_wdtts.verdict import Evidence, Row, Verdict
from tests.made_up_run import made_up_report


@pytest.mark.parametrize(("wrong", "colour"), [("", "green"), ("lost", "red"), ("late", "yellow")])
def test_the_first_line_has_the_colour_of_the_verdict(wrong: str, colour: str) -> None:
    text, style = styled_lines(made_up_report(wrong))[0]
    assert colour in style
    assert text.startswith(f"baseline: {made_up_report(wrong).verdict.value.upper()} - 6 sessions")


def test_evidence_is_shown_where_asked_for() -> None:
    report = made_up_report("errors")
    brief, full = (
        "\n".join(line.text for line in styled_lines(report, with_evidence)) for with_evidence in (False, True)
    )
    assert "internal_error:" not in brief
    assert "wdtts-r-00001: internal_error:" in full
    assert brief == "\n".join(summary_lines(report))


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("語音", 4), ("，", 2), ("e\u0301", 1), ("a\x1bb", 2), ("", 0)]
)
def test_width_in_columns(text: str, columns: int) -> None:
    assert wide(text) == columns
    assert wide(padded(text, 10)) == 10


def test_evidence_stands_in_straight_columns() -> None:
    pieces = (Evidence("s1", 1.0, "one"), Evidence("工作階段", 12.0, "two"), Evidence("", 120.0, "three"))
    row = Row("missing_units", Verdict.FAIL, "3", "0", pieces, 7)
    lines = failure_message(row, made_up_report(), "r.json").splitlines()
    starts = {wide(line[: line.index(piece.what)]) for piece, line in zip(pieces, lines[3:6], strict=True)}
    assert len(starts) == 1
    assert lines[6] == "  ... and 4 more"


def test_an_invalid_row_blames_no_gateway() -> None:
    report = made_up_report("late")
    words = failure_message(report.rows[0], report, "r.json")
    assert words.startswith("run_valid: invalid (the run is no evidence; no gateway is blamed)")
    assert "replay: wdtts accept --scenario baseline" in words
