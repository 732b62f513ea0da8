"""What an unrelated test suite pays for having the plugin installed: `python -m benchmarks.startup`. Prints JSON.

A suite of one test is run with the plugin and without it in turn; each pair gives a difference, and
their median counts.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .machine import GENERATOR_CORE, describe, placed

SUITE = "def test_something_else():\n    assert True\n"
LIMIT_S = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args(arguments).pairs
    with placed(GENERATOR_CORE), tempfile.TemporaryDirectory() as made:
        suite = Path(made)
        (suite / "test_unrelated.py").write_text(SUITE)
        run(suite, with_plugin=True)  # The first one compiles.
        both = [(run(suite, with_plugin=True), run(suite, with_plugin=False)) for _ in range(pairs)]
    figures = {"machine": describe(), "pairs": pairs} | {
        f"{name}_ms": {
            "with": round(statistics.median(one[place] for one, _ in both), 1),
            "without": round(statistics.median(other[place] for _, other in both), 1),
            "difference": round(statistics.median(one[place] - other[place] for one, other in both), 1),
        }
        for place, name in enumerate(("wall", "cpu"))
    }
    print(msgspec.json.format(msgspec.json.encode(figures), indent=1).decode())
    return 0


def run(suite: Path, with_plugin: bool) -> tuple[float, float]:
    """Run the suite; return wall and CPU time in ms. No other plugin is there: what they import would hide ours."""
    chosen = ["-p", "pytest_wdtts.plugin"] if with_plugin else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    before_s, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=suite, env=environment, stdout=subprocess.DEVNULL, timeout=LIMIT_S, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (time.monotonic() - before_s) * 1000, spent_s * 1000


if __name__ == "__main__":
    sys.exit(main())
