"""What the reports of a run cost: CPU time, peak memory and sizes, each size of run in a process of its own.

`python -m benchmarks.report` takes made-up runs of 50 and 2,000 sessions, sound and half failing;
`python -m benchmarks.report JOURNAL ...` takes saved ones. Prints a Markdown table. CPU time, not wall time: other
load on the machine does not count. Peak memory is of the whole process, evidence and libraries included.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pytest_wdtts.gate.replay import replay_command
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import RunResult, read_journal
from pytest_wdtts.report import build_report, write_all
from pytest_wdtts.verdict import judge_case
from pytest_wdtts.verdict.case import Case
from tests.made_up_run import made_up_run

MADE_UP = ("50", "50:errors", "2000", "2000:errors")
"""Sessions, and what is wrong with half of them; each types 5 units a second for 60 s."""
HEAD = "| run | judge, s | model, s | all writers, s | peak, MB | HTML, MB | JSON, MB | all files, MB |"
MB = 1_000_000


def main(arguments: Sequence[str]) -> int:
    """Measure each run in a process of its own; with `--one`, measure here."""
    if arguments[:1] == ["--one"]:
        sys.stdout.write(measure(arguments[1]) + "\n")
        return 0
    sys.stdout.write(f"{HEAD}\n|---|{'--:|' * 7}\n")
    for run in arguments or MADE_UP:
        sys.stdout.flush()
        subprocess.run([sys.executable, "-m", "benchmarks.report", "--one", run], check=True)
    return 0


def measure(name: str) -> str:
    """Judge a run and write all its reports; return a line of the table."""
    result = take(name)
    spent_s = [time.process_time()]
    case = Case(result)
    rows = judge_case(case)
    spent_s.append(time.process_time())
    report = build_report(case, rows, replay_command(result.header, Path("baseline.jsonl")))
    spent_s.append(time.process_time())
    with tempfile.TemporaryDirectory() as directory:
        written = write_all(report, result, Path(directory))
        spent_s.append(time.process_time())
        failed = [outcome.error for outcome in written if outcome.error]
        if failed:
            raise SystemExit(f"not written: {failed}")
        bytes_of = {outcome.format: Path(outcome.path).stat().st_size for outcome in written}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB
    seconds = (f"{after_s - before_s:.2f}" for before_s, after_s in pairwise(spent_s))
    sizes = (f"{size / MB:.2f}" for size in (bytes_of["html"], bytes_of["json"], sum(bytes_of.values())))
    return f"| {name} | {' | '.join(seconds)} | {peak_mb:.0f} | {' | '.join(sizes)} |"


def take(name: str) -> RunResult:
    """A made-up run by its size and what is wrong with it, or a saved one by its journal."""
    sessions, _, wrong = name.partition(":")
    if sessions.isdigit():
        return made_up_run(wrong, LoadPlan(sessions=int(sessions), cps=5.0, duration_s=60.0))
    return read_journal(Path(name))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
