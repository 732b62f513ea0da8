"""Files and ports that sessions need: a limit is raised where that is allowed, and named where it is not."""

import os
import shutil
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


# --- local ports: on a host of our own, which has few of them ----------------------------------------------------

FEW_PORTS = """\
import socket, subprocess, sys
taken = []
for port in range(40000, 40000 + int(sys.argv[1])):
    held = socket.socket()
    held.bind(("127.0.0.1", port))
    taken.append(held)
command = [sys.executable, "-m", "pytest_wdtts.cli", "bench", "--cps", "20", "--duration", "3", *sys.argv[2:]]
sys.exit(subprocess.run(command).returncode)
"""


def on_a_host_with_few_ports(ports: int, taken: int, *arguments: str) -> tuple[int, str]:
    """`wdtts bench` where `taken` of so many ports are held by somebody else; its exit code and words."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a network namespace of our own needs root and unshare")
    few = f"ip link set lo up && echo 40000 {39999 + ports} > /proc/sys/net/ipv4/ip_local_port_range && exec "
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", f'{few}"$@"', "sh", sys.executable, "-c", FEW_PORTS, str(taken), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_too_few_ports_are_refused_before_the_start(tmp_path: Path) -> None:
    code, said = on_a_host_with_few_ports(100, 0, "--concurrency", "40", "--report", str(tmp_path))
    assert code == 4, said
    assert "40 sessions need 104 local ports, this machine has 100 (40000 to 40099): widen" in said
    assert not list(tmp_path.glob("*.jsonl"))


def test_ports_that_others_took_are_our_own_failure_and_blame_no_gateway(tmp_path: Path) -> None:
    code, said = on_a_host_with_few_ports(100, 92, "--concurrency", "20", "--report", str(tmp_path))
    assert code == 3, said
    assert "our own failure: Cannot assign requested address: this machine has no local ports left: widen" in said
    assert "Traceback" not in said
