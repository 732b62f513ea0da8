"""The small benchmarks say what they measured."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True).stdout


def test_start_up_is_measured_in_pairs() -> None:
    figures = json.loads(run("startup", "--pairs", "2"))
    assert figures["pairs"] == 2
    for measured in (figures["wall_ms"], figures["cpu_ms"]):
        assert measured["with"] > 0
        assert measured["without"] > 0


def test_every_part_has_a_cost() -> None:
    costs = re.findall(r"^\| (generator|gateway): .* \| ([\d.]+) \|$", run("parts"), re.MULTILINE)
    assert [side for side, _ in costs] == ["generator"] * 7 + ["gateway"] * 3
    assert all(float(cost_us) > 0 for _, cost_us in costs)
