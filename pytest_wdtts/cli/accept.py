"""`wdtts accept`: run the shipped scenarios against a gateway, from an installed wheel, no checkout needed."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import INVALID, exit_code

if TYPE_CHECKING:
    import pytest

    from ..verdict import Verdict

_PACKAGE = Path(__file__).resolve().parents[1]


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("accept", help="run the acceptance scenarios", description=__doc__)
    parser.add_argument("--url", help="WebSocket URL of the gateway; without it, the reference gateway is started")
    parser.add_argument(
        "--scenario", action="append", choices=("baseline", "mixed", "heavy"), help="repeat for several; all by default"
    )
    parser.add_argument("pytest_args", nargs="*", help="further options for pytest, after --")
    parser.set_defaults(run=accept)


class _Witness:
    """Keeps pytest's configuration, for what the runs came to."""

    config: "pytest.Config | None" = None

    def pytest_configure(self, config: "pytest.Config") -> None:
        """Take note of it."""
        self.config = config


def accept(chosen: argparse.Namespace) -> int:
    """Hand over to pytest, which loads the plugin as it would for anybody.

    Its exit code is ours, but for a run that is no evidence: that is 3, and blames no gateway.
    """
    import pytest

    wanted = chosen.scenario or ["baseline", "mixed", "heavy"]
    arguments = [
        *("-c", str(Path(__file__).with_name("accept.ini")), "--rootdir", "."),
        *(str(scenarios_folder() / name) for name in wanted),
        *("-m", " or ".join(wanted)),
    ]
    if chosen.url:
        arguments += ["--wdtts-url", chosen.url]
    sys.dont_write_bytecode = True  # The scenarios may lie where only their owner writes.
    witness = _Witness()
    code = int(pytest.main([*arguments, *chosen.pytest_args], plugins=[witness]))
    no_evidence = code == pytest.ExitCode.TESTS_FAILED and exit_code(_verdicts(witness.config)) == INVALID
    return INVALID if no_evidence else code


def _verdicts(config: "pytest.Config | None") -> "list[Verdict]":
    """What the runs came to; one that never came to be is invalid."""
    from ..ordering import RUNS
    from ..verdict import Verdict

    outcomes = config.stash.get(RUNS, {}).values() if config else ()
    return [Verdict.INVALID if isinstance(outcome, Exception) else outcome.report.verdict for outcome in outcomes]


def scenarios_folder() -> Path:
    """Where the scenarios lie: shipped in the wheel, or in the checkout."""
    shipped = _PACKAGE / "_shipped" / "scenarios"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "scenarios"
