"""What a user installs: the wheel alone, far from any checkout, runs the scenarios."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT), cwd=folder)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    placed = run(
        sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(wheel), cwd=folder
    )
    assert placed.returncode == 0, placed.stderr
    return target


def test_accept_runs_the_shipped_scenarios(installed: Path, tmp_path: Path) -> None:
    small = ("--wdtts-sessions=4", "--wdtts-cps=20", "--wdtts-duration=4")
    answer = run(
        *(sys.executable, "-m", "pytest_wdtts.cli", "accept", "--scenario", "baseline", "--", *small),
        cwd=tmp_path,
        PYTHONPATH=str(installed),
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Warning" not in answer.stdout
    where = run(
        sys.executable, "-c", "import pytest_wdtts as p; print(p.__file__)", cwd=tmp_path, PYTHONPATH=str(installed)
    )
    assert where.stdout.startswith(str(installed))
    assert (tmp_path / "wdtts-report" / "baseline.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wdtts-report"]


def test_the_project_around_it_has_no_say_in_a_verdict(installed: Path, tmp_path: Path) -> None:
    """A wheel mostly lies in the virtual environment of somebody's project, with settings of its own."""
    inner = installed.parent / "pytest.ini"
    inner.write_text("[pytest]\npython_files = check_*.py\naddopts = --no-such-option\n")
    try:
        answer = run(
            *(sys.executable, "-m", "pytest_wdtts.cli", "accept", "--scenario", "baseline"),
            *("--url", "ws://127.0.0.1:1/tts", "--", "--wdtts-report", "kept"),
            cwd=tmp_path,
            PYTHONPATH=str(installed),
        )
    finally:
        inner.unlink()
    assert "nobody answers at http://127.0.0.1:1" in answer.stdout
    assert "13 errors in" in answer.stdout
    assert answer.returncode == 3, "nothing was measured: that blames no gateway"


@pytest.mark.parametrize("words", [(), ("bench", "--no-such"), ("accept", "--scenario", "none"), ("none",)])
def test_wrong_usage_is_exit_code_4_in_every_command(installed: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    answer = run(sys.executable, "-m", "pytest_wdtts.cli", *words, cwd=tmp_path, PYTHONPATH=str(installed))
    assert answer.returncode == 4
    assert "wdtts" in answer.stderr
    assert "error: " in answer.stderr


def test_a_command_line_error_is_one_line(installed: Path, tmp_path: Path) -> None:
    answer = run(
        *(sys.executable, "-m", "pytest_wdtts.cli", "bench", "--url", "http://127.0.0.1:9000/tts"),
        cwd=tmp_path,
        PYTHONPATH=str(installed),
    )
    assert answer.returncode == 4
    assert "is no WebSocket URL" in answer.stderr
    assert "Traceback" not in answer.stderr
