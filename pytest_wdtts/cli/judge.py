"""`wdtts judge DIR`: judge a saved run again, offline, with the same limits or others."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import exit_code

if TYPE_CHECKING:
    from ..verdict import Limits


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("judge", help="judge a saved run again", description=__doc__)
    parser.add_argument("directory", help="report directory of the run, or its journal (.jsonl)")
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", help="another limit; repeatable")
    parser.add_argument("--write", action="store_true", help="write the reports again, too")
    parser.set_defaults(run=judge_again)


def judge_again(chosen: argparse.Namespace) -> int:
    """Print the rows of every journal found; 0 all pass, 1 a row fails, 3 a run is invalid and none fails."""
    from ..gate import conclude, replay_command
    from ..record import read_journal
    from ..report import evidence_lines, overall
    from ..verdict import Verdict, judge

    limits = read_limits(chosen.limit)
    verdicts = set()
    for path in find_journals(chosen.directory):
        result = read_journal(path)
        rows = conclude(result, path.parent, limits).report.rows if chosen.write else judge(result, limits)
        sys.stdout.write(f"{result.header.scenario} ({path})\n")
        for row in rows:
            sys.stdout.write(f"  {row.verdict.value:<14} {row.id}: {row.observed} [limit: {row.limit}]\n")
            sys.stdout.writelines(f"  {line}\n" for line in evidence_lines(row))
        if any(row.verdict is Verdict.FAIL for row in rows):
            sys.stdout.write(f"  replay: {replay_command(result.header, path)}\n")
        verdicts.add(overall(rows))
    return exit_code(verdicts)


def find_journals(directory: str) -> list[Path]:
    """Return the journals of a report directory; parts of a run alone where nobody united them. Raises `UsageError`."""
    from ..errors import UsageError
    from ..shards import is_part

    path = Path(directory)
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.jsonl"))
    if not found:
        raise UsageError(f"no journal (*.jsonl) in {path}: give the report directory of a run")
    return [journal for journal in found if not is_part(journal)] or found


def read_limits(pairs: list[str]) -> "Limits":
    """Make limits of NAME=VALUE pairs. Raises `UsageError` with the valid names."""
    from msgspec import ValidationError, convert
    from msgspec.structs import asdict

    from ..errors import UsageError
    from ..verdict import Limits

    fields = asdict(Limits())
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in fields:
            raise UsageError(f"no limit {name!r}: one of {', '.join(fields)}")
        fields[name] = value
    try:
        return convert(fields, Limits, strict=False)
    except ValidationError as error:
        raise UsageError(f"--limit: {error}") from None
