"""A disk that is really full, or really read-only, under a real pytest: what could not be written is said, once each.

A tiny file system is mounted in a name space of its own, so that nothing else on the machine sees it.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_up_suite import made_up_suite
from tests.plain_v1_gateway import PlainGateway, running
from tests.plugin.plugin_process import TINY, Project, without_traceback

pytest_plugins = ["pytester"]
APART = ("unshare", "--mount", "--map-root-user", "sh", "-c")


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*APART, "mount -t tmpfs none /mnt"], capture_output=True, timeout=20, check=False)
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="this user may not mount a file system of its own")


def on_disk(mount: str, then: str) -> str:
    """A shell line: mount a file system on `reports`, run pytest on it, list what lies there."""
    pytest_then = f"{sys.executable} -m pytest {then}; code=$?; ls -l reports; exit $code"
    return f"mount -t tmpfs -o {mount} none reports && {pytest_then}"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    suite = made_up_suite(pytester, monkeypatch)
    (suite.path / "reports").mkdir()
    return suite


def run(suite: pytest.Pytester, mount: str) -> tuple[int, str]:
    said = suite.run(*APART, on_disk(mount, "-q -m baseline -p no:cacheprovider --tb=no"), timeout=120)
    return int(said.ret), without_traceback(said.stdout.str() + said.stderr.str())


@pytest.mark.parametrize(("wrong", "code", "head"), [("", 0, "baseline: PASS"), ("lost", 1, "baseline: FAIL")])
def test_on_a_full_disk_what_has_room_is_written_and_nothing_torn_is_left(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, wrong: str, code: int, head: str
) -> None:
    monkeypatch.setenv("MADE_UP", wrong)
    ended, said = run(suite, "size=500k")
    assert ended == code
    assert head in said
    told = [line for line in said.splitlines() if "not written" in line]
    assert told == [
        "  not written: html: reports/baseline.html cannot be written (No space left on device): see --wdtts-report"
    ]
    assert ".html" not in said.rpartition("passed in" if not wrong else "failed,")[2]
    for ending in ("json", "csv", "hlog", "prom", "md"):
        assert f"baseline.{ending}" in said


def test_a_read_only_disk_is_said_by_every_writer_and_the_verdict_stands(suite: pytest.Pytester) -> None:
    ended, said = run(suite, "ro")
    assert ended == 0
    assert "baseline: PASS" in said
    told = [line.split()[2] for line in said.splitlines() if "not written" in line]
    assert told == ["json:", "html:", "csv:", "hlog:", "openmetrics:", "markdown:"]
    assert said.count("(Read-only file system): see --wdtts-report") == len(told)


def test_where_the_evidence_itself_finds_no_room_the_run_is_invalid(tmp_path: Path) -> None:
    project = Project(tmp_path).use("baseline")
    (tmp_path / "reports").mkdir()
    with running(PlainGateway()) as url:
        command = f"-q -m baseline --tb=no --wdtts-report reports --wdtts-url {url} {' '.join(TINY)}"
        ended = subprocess.run(
            [*APART, on_disk("size=4k", command)],
            cwd=project.folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    said = without_traceback(ended.stdout + ended.stderr)
    assert ended.returncode == 1, said
    assert "invalid: the journal reports/baseline.jsonl could not be written (No space left on device)" in said
    assert "make room, or give another --wdtts-report" in said
