"""The calibration counts as it should, and what is published keeps the promise."""

import json
from collections import Counter

import pytest

from proof.conditions import CONDITIONS
from proof.diagnoses import FILE, DiagnosisTrial, error_rates, kept, markdown, read_trials
from proof.matrix import FOLDER
from pytest_wdtts.attribution import Cause, Confidence
from pytest_wdtts.attribution.calibrated import ErrorRate
from pytest_wdtts.attribution.calibrated import error_rates as shipped_rates


def trial(cause: Cause | None = Cause.NONE, confidence: Confidence | None = Confidence.HIGH) -> DiagnosisTrial:
    return DiagnosisTrial(
        condition="healthy", truth=Cause.NONE, seed=9, cause=cause, confidence=confidence, took_s=40.0
    )


FEWEST = 10
FEWEST = 10
RIGHT = [trial()] * 99


@pytest.mark.parametrize(
    ("more", "promise"),
    [
        ([], True),
        ([trial(Cause.STALLS, Confidence.LOW)], True),
        ([trial(Cause.STALLS, Confidence.LOW)] * 6, False),
        ([trial(Cause.STALLS, Confidence.HIGH)], False),
        ([trial(None, None)] * 6, False),
    ],
)
def test_the_promise_is_nearly_all_right_and_none_wrong_that_was_sure(
    more: list[DiagnosisTrial], promise: bool
) -> None:
    assert kept(RIGHT + more) is promise


def test_nothing_tried_proves_nothing() -> None:
    assert not kept([])


def test_each_level_of_confidence_has_its_error_rate() -> None:
    trials = [*RIGHT, trial(Cause.STALLS, Confidence.LOW), trial(confidence=Confidence.LOW)]
    assert error_rates(trials) == {Confidence.LOW: ErrorRate(1, 2), Confidence.HIGH: ErrorRate(0, 99)}


def test_the_table_names_what_was_wrong() -> None:
    page = markdown([*RIGHT, trial(Cause.STALLS, Confidence.LOW)])
    assert "99 of 100 right" in page
    assert "- healthy, seed 9: gateway_stalls (low)" in page


def test_the_published_calibration_is_whole_and_keeps_the_promise() -> None:
    trials = read_trials()
    counts = Counter(one.condition for one in trials)
    assert all(counts[condition.name] >= FEWEST for condition in CONDITIONS), "run: make proof-diagnoses"
    assert kept(trials)
    assert error_rates(trials) == shipped_rates()
    assert (FOLDER / "diagnoses.md").read_text(encoding="utf-8") == markdown(trials)
    assert json.loads((FOLDER / FILE).read_bytes())
