"""The detection matrix in short form, and that it would notice: a defect overlooked, a row blamed for nothing."""

import pytest

from proof.cases import CASES, Case
from proof.clean import Counts, count
from proof.matrix import Line, carry_out_lines, markdown
from proof.trial import Trial, order_of
from pytest_wdtts.conformance import select
from pytest_wdtts.verdict import row_ids
from reference_gateway.defects import DEFECTS

SHORT: dict[str, object] = {"sessions": 6, "duration_s": 5.0}
SHORT_FORM = (
    "chunk_lost",
    "text_wrong",
    "audio_of_another",
    "marks_ignored",
    "end_doubled",
    "cancel_denied",
    "resume_repeats_all",
    "internal_error",
)


@pytest.fixture(scope="module")
def lines() -> dict[str, Line]:
    chosen = [case for case in CASES if case.defect in SHORT_FORM]
    return {line.defect: line for line in carry_out_lines(chosen, SHORT)}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("defect", SHORT_FORM)
def test_a_defect_turns_its_rows_red_and_no_other(defect: str, lines: dict[str, Line]) -> None:
    line = lines[defect]
    if line.trouble.startswith("invalid"):
        pytest.skip(f"the machine was too slow for evidence: {line.trouble}")
    assert line.proven, f"overlooked {line.overlooked}, blamed {line.blamed} {line.observed} {line.trouble}"


def test_every_defect_is_on_trial_once() -> None:
    assert sorted(case.defect for case in CASES) == sorted(DEFECTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.defect)
def test_every_case_names_rows_that_there_are(case: Case) -> None:
    if case.conformance:
        assert not case.expected
        assert all(select([glob]) for glob in case.conformance.split())
    else:
        assert case.must
        assert case.must | case.may <= set(row_ids(case.scenario))
        order_of(case).plan("r")


def line(red: list[str], trouble: str = "") -> Line:
    return Line("d", "rate=1", "baseline", ["unit_order"], ["missing_units"], red, ["run_valid"], {}, trouble)


@pytest.mark.parametrize(
    ("red", "overlooked", "blamed", "cells"),
    [
        (["unit_order"], [], [], "R"),
        (["unit_order", "missing_units"], [], [], "r"),
        ([], ["unit_order"], [], "?"),
        (["unit_order", "session_end"], [], ["session_end"], "!"),
    ],
)
def test_the_matrix_tells_what_went_wrong(red: list[str], overlooked: list[str], blamed: list[str], cells: str) -> None:
    seen = line(red)
    assert (seen.overlooked, seen.blamed) == (overlooked, blamed)
    assert seen.proven is not bool(overlooked or blamed)
    assert f"| {cells} " in markdown([seen]).split("`d:rate=1`")[1]


def test_a_run_that_was_no_evidence_proves_nothing() -> None:
    assert not line(["unit_order"], trouble="invalid: late").proven


def trial(**verdicts: str) -> Trial:
    return Trial("", "", "baseline", {"run_valid": "pass"} | verdicts, dict.fromkeys(verdicts, "seen"))


def test_false_alarms_are_counted() -> None:
    counts = count([trial(unit_order="pass"), trial(unit_order="fail"), Trial("", "", "mixed", trouble="no gateway")])
    assert (counts.runs, counts.invalid, counts.red, counts.assessed["unit_order"]) == (3, 1, {"unit_order": 1}, 2)
    assert not counts.kept


@pytest.mark.parametrize(
    ("red", "kept"),
    [
        ({}, True),
        ({"unit_order": 1}, False),
        ({"service_time_p99_stable": 1}, True),
        ({"service_time_p99_stable": 2}, False),
    ],
)
def test_a_row_that_counts_may_never_cry_wolf(red: dict[str, int], kept: bool) -> None:
    assert Counts(100, 0, red, dict.fromkeys(red, 100), []).kept is kept
