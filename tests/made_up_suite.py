"""A suite of the baseline rows whose run is made up (`MADE_UP` says what is wrong with it), in a pytest of its own."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONFTEST = """
import os
import pytest
from pathlib import Path
from pytest_wdtts.ordering import RUNS
from tests.made_up_run import concluded

@pytest.fixture(scope="session")
def outcome(request):
    made = concluded(os.environ["MADE_UP"], Path("reports"))
    request.config.stash.setdefault(RUNS, {})["made up"] = made
    return made

@pytest.fixture
def wdtts_run(outcome):
    return outcome
"""


def made_up_suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Lay it out; what CI sets in the environment stays away from it."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_baseline=(ROOT / "scenarios/baseline/test_baseline.py").read_text())
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MADE_UP", "")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run it."""
    return suite.runpytest_subprocess("-m", "baseline", "-p", "no:cacheprovider", *arguments, timeout=120)
