"""`wdtts accept`: run the shipped scenarios against a gateway, from an installed wheel, no checkout needed."""

import argparse
import subprocess
import sys
from pathlib import Path

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


def accept(chosen: argparse.Namespace) -> int:
    """Hand over to a pytest of its own, which loads the plugin as it would for anybody; its exit code is ours."""
    wanted = chosen.scenario or ["baseline", "mixed", "heavy"]
    arguments = [
        *(str(scenarios_folder() / name) for name in wanted),
        "-m",
        " or ".join(wanted),
        "-p",
        "no:cacheprovider",
    ]
    if chosen.url:
        arguments += ["--wdtts-url", chosen.url]
    with subprocess.Popen([sys.executable, "-B", "-m", "pytest", *arguments, *chosen.pytest_args]) as tests:
        while True:
            try:
                return tests.wait()
            except KeyboardInterrupt:
                continue  # The terminal told pytest too: it saves what was measured, and ends.


def scenarios_folder() -> Path:
    """Where the scenarios lie: in the checkout, or shipped in the wheel."""
    checkout = _PACKAGE.parent / "scenarios"
    return checkout if checkout.is_dir() else _PACKAGE / "_shipped" / "scenarios"
