"""A small run beside a real capture: every unit and every chunk is on the wire, and no time is an impossible one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.truth.capture import Capture
from pytest_wdtts.errors import UsageError

ROOT = Path(__file__).parents[2]
SESSIONS, CPS, DURATION_S = 20, 10, 2


def truth(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    load = ["--sessions", str(SESSIONS), "--cps", str(CPS), "--duration", str(DURATION_S)]
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.truth", *load, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("transport", ["picows", "websockets"])
def test_every_unit_and_chunk_is_found_on_the_wire(transport: str, may_capture: None) -> None:
    done = truth("--transport", transport)
    # 1 is what a busy machine may bring: the wire was compared, and some p99 lies more than 1 ms apart.
    assert done.returncode in (0, 1), done.stderr
    figures = json.loads(done.stdout)
    probes = 30
    assert figures["send_ms"]["count"] >= SESSIONS * CPS * DURATION_S + probes
    assert figures["receive_ms"]["count"] > SESSIONS
    assert (figures["before_sending"], figures["before_receipt"]) == (0, 0), "an effect before its cause"


def test_without_tcpdump_it_says_what_to_install(tmp_path: Path) -> None:
    done = truth(PATH=str(tmp_path))
    assert done.returncode == 2
    assert "no tcpdump on this machine" in done.stderr
    assert "ci/install_tcpdump" in done.stderr


def test_a_capture_that_is_not_allowed_says_what_tcpdump_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = tmp_path / "tcpdump"
    refused.write_text('#!/bin/sh\necho "lo: You don\'t have permission" >&2\nexit 1\n')
    refused.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with (
        pytest.raises(UsageError, match=r"tcpdump cannot capture \(lo: You don't have permission\)"),
        Capture(9, tmp_path / "x.pcap"),
    ):
        pytest.fail("it was let in")


@pytest.fixture
def may_capture(tmp_path: Path) -> None:
    """Skip where this machine does not let us capture; the gate installs what is needed."""
    if shutil.which("tcpdump") is None:
        pytest.skip("no tcpdump: run ci/install_tcpdump")
    try:
        with Capture(9, tmp_path / "probe.pcap"):
            pass
    except UsageError as error:
        pytest.skip(str(error))
