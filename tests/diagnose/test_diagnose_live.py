"""The short form of the calibration: real diagnoses of real gateways, healthy and with one cause switched on."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from proof.conditions import CONDITIONS
from proof.diagnoses import DiagnosisTrial, try_all
from proof.slow_proxy import slow_proxy
from pytest_wdtts.attribution import Cause
from pytest_wdtts.diagnose import DiagnosisOrder, carry_out_diagnosis, conclude_diagnosis
from pytest_wdtts.gate import Order
from tests.services import gateway

SHORT_FORM = ("healthy", "slow readers block all", "flushed at 48 units only", "proxy delays by 80 ms")
LIMIT_S = 600.0

IN_PYTEST = """\
import pytest


@pytest.mark.diagnose(quick=True, max_sessions=5)
def test_it(wdtts_diagnosis):
    assert wdtts_diagnosis.cause == "flush_granularity"
"""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DiagnosisTrial]:
    wanted = [(condition, 1) for condition in CONDITIONS if condition.name in SHORT_FORM]
    return {trial.condition: trial for trial in try_all(wanted, tmp_path_factory.mktemp("steps"), LIMIT_S)}


@pytest.mark.timeout(int(LIMIT_S) + 300)
@pytest.mark.parametrize("condition", SHORT_FORM)
def test_what_is_switched_on_is_named(condition: str, trials: dict[str, DiagnosisTrial]) -> None:
    trial = trials[condition]
    if trial.cause is Cause.GENERATOR or (trial.cause is Cause.UNKNOWN and machine_is_crowded()):
        pytest.skip("the machine was too slow for evidence")
    assert trial.right, trial


def machine_is_crowded() -> bool:
    """Whether so many want its cores that a short run sees more of them than of a gateway."""
    return os.getloadavg()[1] > 4 * (os.cpu_count() or 1)


@pytest.mark.timeout(240)
def test_a_gateway_that_dies_is_a_finding_and_its_steps_are_kept(tmp_path: Path) -> None:
    with gateway() as service:

        def kill_at_the_second(words: str) -> None:
            if words.startswith("step 2,"):
                os.kill(service.pid, signal.SIGKILL)

        order = Order(scenario="diagnosis", url=f"{service.ws}/tts", report_dir=str(tmp_path))
        asked = DiagnosisOrder(order=order, quick=True, max_sessions=5)
        live = carry_out_diagnosis(asked, kill_at_the_second)
    assert live.diagnosis.cause is Cause.SATURATED
    assert "gateway_died" in [told.key for told in live.diagnosis.findings[0].evidence_for]
    assert "does not answer any more" in live.end.stopped
    assert conclude_diagnosis(tmp_path).diagnosis == live.diagnosis


@pytest.mark.timeout(240)
def test_whoever_has_no_more_time_is_told_what_was_seen_until_then(tmp_path: Path) -> None:
    """As `timeout` and CI end it: by SIGTERM, in the middle of a step."""
    command = [sys.executable, "-m", "pytest_wdtts.cli", "diagnose", "--quick", "--max-sessions", "5", "--lang", "en"]
    process = subprocess.Popen(
        [*command, "--report", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    told = ""
    while "step 2," not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "up to" in told
    assert re.search(r"ended early +interrupted after \d+ s; it may take \d+ s", said)
    assert len(conclude_diagnosis(tmp_path).seen.steps) == 1
    assert (tmp_path / "diagnosis.html").exists()


@pytest.mark.timeout(300)
def test_a_gateway_that_refuses_above_a_number_has_a_capacity_and_is_left_idle(tmp_path: Path) -> None:
    with gateway() as service, slow_proxy(service.authority, most=16) as port:
        order = Order(scenario="diagnosis", url=f"ws://127.0.0.1:{port}/tts", report_dir=str(tmp_path))
        done = carry_out_diagnosis(DiagnosisOrder(order=order, quick=True, max_sessions=24))
        health = httpx.get(f"{service.http}/healthz", trust_env=False).json()
    if done.diagnosis.cause is Cause.GENERATOR:
        pytest.skip("the machine was too slow for evidence")
    assert done.diagnosis.cause is Cause.SATURATED
    assert "refuses" in [told.key for told in done.diagnosis.findings[0].evidence_for]
    assert 10 <= done.diagnosis.capacity.held < done.diagnosis.capacity.broken <= 24
    assert done.end.stopped == ""
    assert (health["status"], health["sessions_live"]) == ("ok", 0)


@pytest.mark.timeout(300)
def test_a_test_may_ask_for_a_diagnosis(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(IN_PYTEST)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--wdtts-defect", "flush_limit"],
        cwd=tmp_path,
        env=os.environ | {"LC_ALL": "zh_TW.UTF-8", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(r"原因: flush 粒度.*\[flush_granularity\]", answer.stdout)
    assert (tmp_path / "wdtts-report" / "diagnosis.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [("objective='fast'", "is no objective"), ("pace=1", "valid are objective, max_sessions"), ("True", "keyword")],
)
def test_what_cannot_be_diagnosed_is_refused_at_collection(tmp_path: Path, arguments: str, words: str) -> None:
    (tmp_path / "test_mine.py").write_text(IN_PYTEST.replace("quick=True, max_sessions=5", arguments))
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 4
    assert words in answer.stdout + answer.stderr


def test_with_workers_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(IN_PYTEST)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 1
    assert "run it without -n" in answer.stdout
