"""pytest with our plugin in a process of its own, as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 90
SETTINGS = """\
[pytest]
addopts = --strict-markers --strict-config -p no:cacheprovider -p no:asyncio -p no:timeout
filterwarnings = error
"""
TINY = ("--wdtts-sessions", "3", "--wdtts-cps", "20", "--wdtts-duration", "3")


class Project:
    """A user's project in a directory of its own: an ini file, tests, and a report after a run."""

    def __init__(self, folder: Path, ini: str = "", test: str = "") -> None:
        self.folder = folder
        (folder / "pytest.ini").write_text(SETTINGS + ini)
        if test:
            (folder / "test_own.py").write_text(f"import pytest\n\n{test}\n")

    def use(self, scenario: str) -> "Project":
        """Take over a shipped scenario."""
        shutil.copy(ROOT / "scenarios" / scenario / f"test_{scenario}.py", self.folder)
        return self

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start pytest."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("WDTTS_", "PYTEST_"))}
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.folder,
            env=clean | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run pytest to its end; returns exit code and all that it said."""
        return finish(self.start(*arguments, **environment))

    def report(self, scenario: str) -> dict[str, Any]:
        """The report that the run left."""
        report: dict[str, Any] = json.loads((self.folder / "wdtts-report" / f"{scenario}.json").read_bytes())
        return report


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end, which must come; no traceback of ours may be in what was said."""
    try:
        said, _ = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        raise AssertionError(f"pytest did not end within {DEADLINE_S} s:\n{said}") from None
    return process.returncode, without_traceback(said)


def without_traceback(said: str) -> str:
    """Return what was said, which must hold words only."""
    assert "Traceback (most recent call last)" not in said, said
    assert "INTERNALERROR" not in said, said
    return said


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    """Verdict by row."""
    return {row["id"]: row["verdict"] for row in report["rows"]}
