"""Whole runs against the Compose stack with a container broken in the middle: the rows judge it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.test_compose import ROOT, needs_engine

ROWS = ("run_valid", "missing_units", "duplicate_units", "mismatched_units", "unit_order", "internal_error_ratio")
SUITE = """\
import pytest

@pytest.mark.load(sessions=8, cps=20, duration_s=12, warmup_s=2)
{marks}
def test_containers(checklist):
    for row in {rows!r}:
        checklist(row)
"""


@needs_engine
@pytest.mark.parametrize(
    "marks",
    [
        ["gateway_restart(at_s=4, down_s=1)"],
        ["gateway_pause(at_s=4, down_s=2)", "gateway_cpu(at_s=7, down_s=2)"],
        ["gateway_disconnect(at_s=4, down_s=1)"],
        ["replica_loss(at_s=4, down_s=2)", "proxy_reload(at_s=8)"],
    ],
    ids=["restart", "strain", "disconnect", "replicas"],
)
def test_a_run_outlasts_a_container_fault(tmp_path: Path, marks: list[str]) -> None:
    suite = tmp_path / "test_containers.py"
    text = "\n".join(f"@pytest.mark.{mark}" for mark in marks)
    suite.write_text(SUITE.format(marks=text, rows=ROWS), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", str(suite), "--rootdir", str(tmp_path), "-c", "/dev/null"),
            *("--wdtts-stack", "compose", "--wdtts-report", str(tmp_path / "report")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
