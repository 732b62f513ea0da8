"""Where no engine can be made: the reason and the next step, exit code 69, and a gate that says what it left out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.test_compose import IS_ROOT, ROOT

CANNOT = 69
TOOLS = ("bash", "cat", "dirname", "env", "grep", "mktemp", "rm")
STUBS = {
    "apt-get": "echo 'E: Unable to locate package docker.io' >&2; exit 100",
    "make": 'echo "make $*"',
}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Debian's packages are provisioned, by a shell")


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without Docker, whose package index has none either."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        where = shutil.which(tool)
        assert where, tool
        (programs / tool).symlink_to(where)
    # Not a link: an interpreter of a virtual environment finds its home by its own place.
    write(programs / "python3", f'exec {sys.executable} "$@"')
    for name, line in STUBS.items():
        write(programs / name, line)
    return {"PATH": str(programs), "WDTTS_DOCKER_STATE": str(tmp_path / "state"), "HOME": str(tmp_path)}


def write(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("verb", [["up"], ["run", "--", "echo", "never"]], ids=["up", "run"])
def test_an_engine_that_cannot_be_made_is_told_with_the_next_step(
    tmp_path: Path, bare: dict[str, str], verb: list[str]
) -> None:
    done = run([sys.executable, str(ROOT / "ci" / "provision_docker.py"), *verb], tmp_path, bare)
    assert done.returncode == CANNOT, done.stderr
    assert "never" not in done.stdout
    words = (
        "Unable to locate package docker.io" if IS_ROOT else "only root can install it: sudo apt-get install docker.io"
    )
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_gate_goes_on_without_an_engine_and_says_what_it_left_out(tmp_path: Path, bare: dict[str, str]) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci" / "run")
    for installs in ("install_browser", "install_tcpdump"):
        write(checkout / "ci" / installs, "exit 0")
    shutil.copy(ROOT / "ci" / "provision_docker.py", checkout / "ci")
    write(checkout / ".venv" / "bin" / "pytest", 'echo "pytest $*"')
    done = run([str(checkout / ".ci" / "run")], checkout, bare)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert "--wdtts-stack compose" not in done.stdout
    assert any(line.startswith("make test") for line in lines)
    assert lines[-2] == "NOT RUN AGAINST COMPOSE: no Docker engine (see above)"
    assert lines[-1].startswith("make accept")
