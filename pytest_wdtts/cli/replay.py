"""`wdtts replay JOURNAL`: run the plan of a saved run again: same seed, same sessions, same faults."""

import argparse
import sys

from . import exit_code
from .judge import find_journals


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("replay", help="run the plan of a saved run again", description=__doc__)
    parser.add_argument("directory", help="journal (.jsonl) of the run, or its report directory")
    parser.add_argument("--report", default="wdtts-replay", help="directory for the new reports")
    parser.add_argument("--api-key", default="", help="the gateway's key: journals keep none")
    parser.set_defaults(run=replay)


def replay(chosen: argparse.Namespace) -> int:
    """Run every journal's plan; 0 passed, 1 one failed, 3 one is invalid and none failed."""
    from msgspec.structs import replace as with_fields

    from ..gate import carry_out
    from ..gate.replay import from_header
    from ..record import read_journal
    from ..report import summary_lines

    verdicts = set()
    for path in find_journals(chosen.directory):
        order = from_header(read_journal(path).header)
        outcome = carry_out(with_fields(order, report_dir=chosen.report, api_key=chosen.api_key))
        sys.stdout.write("\n".join(summary_lines(outcome.report)) + f"\n  report: {outcome.report_path}\n")
        verdicts.add(outcome.report.verdict)
    return exit_code(verdicts)
