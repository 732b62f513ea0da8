"""Whole runs against the Compose stack with containers broken in the middle: the rows judge it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_wdtts.gate import Order, carry_out
from pytest_wdtts.verdict import Limits, Verdict
from tests.stack.test_compose import IS_ROOT, ROOT, needs_engine, needs_root

PATIENT = Limits(send_lateness_p99_ms=1e6, loop_delay_p99_ms=1e6)
"""Nothing here is about time: a busy machine makes our own sending late, and no unit less."""


@needs_engine
def test_what_a_run_under_strain_used_is_in_its_report(tmp_path: Path) -> None:
    """The shipped scenario as it is called: its rows are judged on Compose by the gate, of this one and the others."""
    command = ["-m", "containers", "scenarios", "-k", "under_strain", "--wdtts-stack", "compose"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command, "-p", "no:cacheprovider", "--wdtts-report", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    report = json.loads((tmp_path / "test_under_strain.json").read_bytes())
    assert done.returncode == 0, done.stdout
    assert {"gateway_pause", "gateway_cpu", "gateway_memory"} <= set(report["injected_faults"])
    if IS_ROOT:
        samples = report["container_samples"]
        assert throttled_s(samples, 9, 12) > throttled_s(samples, 0, 3)


def throttled_s(samples: list[dict[str, Any]], begin_s: float, end_s: float) -> float:
    """How long the gateway's container was held back in a span of the run; each sample is a second from the next."""
    seen = [one for one in samples if one["service"] == "ws_gateway_tts"]
    within = [float(one["throttled_s"]) for one in seen if begin_s - 1 <= float(one["at_s"]) <= end_s + 1]
    return within[-1] - within[0]


LOGGING = """\
services:
  ws_gateway_tts:
    extends: {{file: {file}, service: ws_gateway_tts}}
    command: ["python", "-m", "reference_gateway", "--defect", "log_on_loop:kib=16"]
"""


@needs_engine
@needs_root
@pytest.mark.parametrize("logging", [False, True], ids=["logs little", "logs on its loop"])
def test_a_log_that_nobody_takes_stops_only_who_logs_on_its_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging: bool
) -> None:
    monkeypatch.chdir(ROOT)
    if logging:
        own = tmp_path / "compose.yaml"
        own.write_text(LOGGING.format(file=ROOT / "ci" / "compose.yaml"), encoding="utf-8")
        monkeypatch.setenv("WDTTS_COMPOSE_FILE", str(own))
    order = Order(
        scenario="baseline",
        load={"sessions": 8, "cps": 20, "duration_s": 15, "warmup_s": 2},
        shares={"gateway_logs": {"at_s": 5, "down_s": 4}},
        stack="compose",
        report_dir=str(tmp_path / "report"),
    )
    outcome = carry_out(order, limits=PATIENT)
    slow = outcome.row("service_time_p99_stable")
    assert slow.verdict is (Verdict.FAIL if logging else Verdict.PASS), slow
    assert outcome.row("missing_units").verdict is Verdict.PASS
