"""`wdtts compare A B`: two reports, a table, and a page with both curves."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subparsers: "Subparsers") -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "compare",
        help="compare two reports of one scenario",
        description="Exit code 0: no condition broken; 1: one is broken; 4: wrong usage.",
    )
    parser.add_argument("before", type=Path, metavar="A", help="DIR/<scenario>.json of the run before")
    parser.add_argument("after", type=Path, metavar="B", help="DIR/<scenario>.json of the run after")
    parser.add_argument("--fail", action="append", default=[], metavar="EXPR", help="such as service_time_ms.p99>1.2x")
    parser.add_argument("--html", type=Path, help="write table and overlaid curves to this file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and say whether a condition is broken."""
    from ..report import read_report
    from ..report.compare import compare, comparison_lines, read_condition, write_comparison

    conditions = [read_condition(text) for text in arguments.fail]
    comparison = compare(read_report(arguments.before), read_report(arguments.after))
    sys.stdout.write("\n".join(comparison_lines(comparison)) + "\n")
    broken = [words for condition in conditions if (words := condition.broken_by(comparison))]
    sys.stdout.writelines(f"  FAIL {words}\n" for words in broken)
    if arguments.html:
        try:
            sys.stdout.write(f"  report: {write_comparison(comparison, arguments.html)}\n")
        except OSError as error:
            sys.stderr.write(f"wdtts compare: {arguments.html} cannot be written ({error.strerror}): see --html\n")
    return 1 if broken else 0
