"""A limit on open files is raised where that is allowed, and named where it is not."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="this system has no limit on open files")
ROOT = Path(__file__).parents[2]

ASK = """\
import resource, sys
sys.path.insert(0, sys.argv[4])
from pytest_wdtts.errors import UsageError
from pytest_wdtts.gate.open_files import need_files
soft, hard, sessions = map(int, sys.argv[1:4])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
try:
    need_files(sessions)
    print(*resource.getrlimit(resource.RLIMIT_NOFILE))
except UsageError as error:
    print(error)
"""


def ask(soft: int, hard: int, sessions: int) -> str:
    """In a process of its own: a limit once lowered stays low."""
    command = [sys.executable, "-c", ASK, *map(str, (soft, hard, sessions)), str(ROOT)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def test_enough_is_left_as_it_is() -> None:
    assert ask(300, 400, 100) == "300 400"


def test_the_soft_limit_is_raised() -> None:
    assert ask(300, 900, 500) == "564 900"


def test_the_hard_limit_is_named_with_what_to_raise() -> None:
    words = ask(300, 400, 500)
    assert "500 sessions need 564 open files, the limit is 400" in words
    assert "ulimit -Hn 564" in words
