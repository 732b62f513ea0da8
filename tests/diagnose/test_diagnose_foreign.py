"""Diagnoses of a gateway by strangers, who know the contract alone: what troubles it is named, and nothing else is."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_wdtts.attribution import Cause, Confidence
from tests.foreign_gateway import ForeignGateway
from tests.plain_v1_gateway import running

LIMIT_S = 400
TROUBLES: dict[str, tuple[dict[str, Any], set[Cause]]] = {
    "stands still once": ({"stalls": [(27.0, 0.8)]}, {Cause.NONE, Cause.UNKNOWN, Cause.STALLS}),
    "speaks for one after the other": ({"unit_s": 0.008}, {Cause.SATURATED}),
    "slower by 10 ms a second": ({"creep_ms_per_s": 10.0}, {Cause.DRIFT}),
}


@pytest.fixture(scope="module")
def diagnoses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """The report on each, all at once."""
    folder = tmp_path_factory.mktemp("foreign")
    command = [sys.executable, "-m", "pytest_wdtts.cli", "diagnose", "--quick", "--max-sessions", "20"]
    with ExitStack() as opened:
        started: dict[str, tuple[Path, subprocess.Popen[bytes]]] = {}
        for number, (name, (trouble, _)) in enumerate(TROUBLES.items()):
            url, report = opened.enter_context(running(ForeignGateway(**trouble))), folder / str(number)
            process = subprocess.Popen([*command, "--url", url, "--report", str(report)], stdout=subprocess.DEVNULL)
            opened.callback(process.kill)
            started[name] = report, process
        for _, process in started.values():
            process.wait(LIMIT_S)
        yield {
            name: msgspec.json.decode((report / "diagnosis.json").read_bytes()) for name, (report, _) in started.items()
        }


@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.parametrize("name", TROUBLES)
def test_what_troubles_a_foreign_gateway_is_named(name: str, diagnoses: dict[str, dict[str, Any]]) -> None:
    """A machine that is too slow for three diagnoses at once makes none that is sure of itself."""
    said, causes = diagnoses[name], TROUBLES[name][1]
    if said["cause"] == Cause.GENERATOR or (said["cause"] not in causes and said["confidence"] == Confidence.LOW):
        pytest.skip(f"the machine was too slow for evidence: {said['cause']}")
    assert said["cause"] in causes, said["findings"]
