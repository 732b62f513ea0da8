"""An error of ours in a run is met once: the other rows are invalid, and nobody drives the load again for each."""

from pathlib import Path

import pytest

from pytest_wdtts.verdict import row_ids

pytest_plugins = ["pytester"]
CONFTEST = """
import pytest_wdtts.gate

def carry_out(order, show=None, again=0):
    print("driven", flush=True)
    raise ZeroDivisionError("a bug of ours")

pytest_wdtts.gate.carry_out = carry_out
"""
ALWAYS_LATE = """
from functools import partial

import pytest_wdtts.gate
from pytest_wdtts.verdict import Limits

pytest_wdtts.gate.carry_out = partial(pytest_wdtts.gate.carry_out, limits=Limits(send_lateness_p99_ms=-1.0))
"""
BASELINE = Path(__file__).resolve().parents[2] / "scenarios/baseline/test_baseline.py"


def test_a_run_that_an_error_of_ours_ended_is_not_driven_again_for_every_row(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_baseline=BASELINE.read_text(encoding="utf-8"))
    said = pytester.runpytest_subprocess("-m", "baseline", "-s", "-p", "no:cacheprovider", timeout=60)
    text = said.stdout.str()
    assert text.count("driven\n") == 1
    assert text.count("invalid: our own failure: ZeroDivisionError('a bug of ours')") >= len(row_ids("baseline")) - 1
    assert said.ret == pytest.ExitCode.TESTS_FAILED


def test_a_run_that_was_tried_again_says_so_and_where_the_evidence_is(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(ALWAYS_LATE)
    pytester.makepyfile(test_baseline=BASELINE.read_text(encoding="utf-8"))
    load = ("--wdtts-sessions", "2", "--wdtts-cps", "20", "--wdtts-duration", "2")
    said = pytester.runpytest_subprocess("-m", "baseline", *load, "--wdtts-again", "1", timeout=120)
    assert said.ret == pytest.ExitCode.TESTS_FAILED
    tried = [line for line in said.outlines if line.startswith("  tried before: ")]
    assert len(tried) == 1, said.stdout.str()
    assert "the generator was late" in tried[0]
    report = tried[0].rpartition("; ")[2]
    assert report == "wdtts-report/invalid-1/baseline.json"
    assert (pytester.path / report).is_file()
    assert "  report: wdtts-report/baseline.json" in said.outlines
