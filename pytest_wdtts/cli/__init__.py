"""The `wdtts` command: each subcommand is one module with `add(subparsers)`; all heavy imports wait for theirs.

Exit codes: 0 passed, 1 the gateway failed, 2 interrupted, 3 invalid (the run is no evidence), 4 usage.
"""

import argparse
import importlib
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from .. import __version__
from ..errors import UsageError, WdttsError

if TYPE_CHECKING:
    from ..verdict import Verdict

_COMMANDS = ("bench", "accept", "judge", "session", "replay", "compare", "conformance", "doctor", "diagnose")

PASSED, FAILED, INTERRUPTED, INVALID, USAGE = 0, 1, 2, 3, 4


def exit_code(verdicts: "Iterable[Verdict]") -> int:
    """Return the code of one run or several: a gateway that failed in one has failed, whatever the others were."""
    from ..verdict import Verdict

    found = set(verdicts)
    return FAILED if Verdict.FAIL in found else INVALID if Verdict.INVALID in found else PASSED


class Parser(argparse.ArgumentParser):
    """argparse's own exit code for wrong usage, 2, is ours for an interrupted run."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and what is valid."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = Parser(prog="wdtts", description="Decides whether a streaming TTS gateway may go live.")
    parser.add_argument("--version", action="version", version=f"wdtts {__version__}")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in _COMMANDS:
        importlib.import_module(f".{name}", __name__).add(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the console script; returns the exit code and never shows a traceback of ours."""
    parser = build_parser()
    chosen = parser.parse_args(arguments)
    if getattr(chosen, "url", None) == "":  # An unset variable of a script: it names no gateway, not ours either.
        parser.error("--url is empty: give one like ws://127.0.0.1:9000/tts, or leave it out")
    try:
        code: int = chosen.run(chosen)
    except UsageError as error:
        sys.stderr.write(f"wdtts: {error}\n")
        return USAGE
    except WdttsError as error:
        sys.stderr.write(f"wdtts: invalid: {error}\n")
        return INVALID
    except KeyboardInterrupt as error:
        report_path = error.outcome.report_path if hasattr(error, "outcome") else ""
        found = f"what was measured until then: {report_path}" if report_path else "no run was judged"
        sys.stderr.write(f"wdtts: interrupted; {found}\n")
        return INTERRUPTED
    return code
