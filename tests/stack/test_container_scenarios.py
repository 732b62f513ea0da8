"""Whole runs against the Compose stack with containers broken in the middle: the rows judge it."""

from pathlib import Path
from typing import Any

import pytest

from pytest_wdtts.gate import Order, Outcome, carry_out
from pytest_wdtts.verdict import Limits, Verdict
from tests.stack.test_compose import IS_ROOT, ROOT, needs_engine, needs_root

PATIENT = Limits(send_lateness_p99_ms=1e6, loop_delay_p99_ms=1e6)
"""Nothing here is about time: a busy machine makes our own sending late, and no unit less."""
GOOD = (Verdict.PASS, Verdict.NOT_ASSESSABLE)


def run(tmp_path: Path, scenario: str, shares: dict[str, dict[str, Any]], **load: Any) -> Outcome:
    short = {"sessions": 8, "cps": 20, "duration_s": 12, "warmup_s": 2}
    report = str(tmp_path / "report")
    order = Order(scenario=scenario, load=short | load, shares=shares, stack="compose", report_dir=report)
    return carry_out(order, limits=PATIENT)


@needs_engine
@pytest.mark.parametrize(
    "shares",
    [
        {"gateway_restart": {"at_s": 3, "down_s": 1}, "gateway_disconnect": {"at_s": 7, "down_s": 1}},
        {"gateway_pause": {"at_s": 3, "down_s": 1}, "gateway_cpu": {"at_s": 7, "down_s": 3}},
        {"replica_loss": {"at_s": 4, "down_s": 2}, "proxy_reload": {"at_s": 8}},
    ],
    ids=["taken away", "under strain", "replicas"],
)
def test_a_run_outlasts_broken_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shares: dict[str, dict[str, Any]]
) -> None:
    monkeypatch.chdir(ROOT)
    outcome = run(tmp_path, "containers", shares)
    assert [row for row in outcome.report.rows if row.verdict not in GOOD] == []
    assert {fault.how for fault in outcome.result.gateway_faults} == set(shares)
    assert set(shares) <= set(outcome.report.injected_faults)
    if IS_ROOT and "gateway_cpu" in shares:
        assert throttled_s(outcome, 7, 10) > throttled_s(outcome, 0, 3)


def throttled_s(outcome: Outcome, begin_s: float, end_s: float) -> float:
    """How long the gateway's container was held back in a span of the run; each sample is a second from the next."""
    seen = [one for one in outcome.report.container_samples if one["service"] == "ws_gateway_tts"]
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
    outcome = run(tmp_path, "baseline", {"gateway_logs": {"at_s": 5, "down_s": 4}}, duration_s=15)
    slow = outcome.row("service_time_p99_stable")
    assert slow.verdict is (Verdict.FAIL if logging else Verdict.PASS), slow
    assert outcome.row("missing_units").verdict is Verdict.PASS
