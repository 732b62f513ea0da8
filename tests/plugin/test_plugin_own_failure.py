"""An error of ours in a run is met once: the other rows are invalid, and nobody drives the load again for each."""

from pathlib import Path

import pytest

from pytest_wdtts.verdict import row_ids

pytest_plugins = ["pytester"]
CONFTEST = """
import pytest_wdtts.gate

def carry_out(order, progress=None):
    print("driven", flush=True)
    raise ZeroDivisionError("a bug of ours")

pytest_wdtts.gate.carry_out = carry_out
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
