"""`wdtts conformance`: the numbered catalogue of protocol cases against a gateway."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..conformance import Finding


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("conformance", help="check a gateway against the contract", description=__doc__)
    parser.add_argument("--url", help="WebSocket URL of the gateway; without it, the reference gateway is started")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--include", action="append", default=[], metavar="GLOB", help="only these cases; repeatable")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="not these cases; repeatable")
    parser.add_argument("--list", action="store_true", help="list the cases with what they expect; try nothing")
    parser.add_argument("--json", metavar="FILE", help="write all findings here, too")
    parser.set_defaults(run=conformance)


def conformance(chosen: argparse.Namespace) -> int:
    """Print what did not conform; 0 all passed, 1 some did not. Raises `StackError` where none could be tried."""
    import asyncio

    from ..conformance import carry_out, select, summary
    from ..errors import StackError, UsageError
    from ..gate.outcome import new_run_id
    from ..stack import EmbeddedStack, ExternalStack, Stack
    from ..transport import parse_target

    cases = select(chosen.include, chosen.exclude)
    if not cases:
        raise UsageError("no case fits --include and --exclude: see wdtts conformance --list")
    if chosen.list:
        for case in cases:
            sys.stdout.write(f"{case.id}  [{case.clause}]  {case.expected.described()}\n")
        return 0
    stack: Stack = (
        ExternalStack(chosen.url, chosen.api_key) if chosen.url else EmbeddedStack(SHORT_LIVED, api_key=chosen.api_key)
    )
    gateway = stack.start()
    try:
        findings = asyncio.run(carry_out(cases, parse_target(gateway.url, gateway.api_key), new_run_id()))
    finally:
        stack.stop()
    sys.stdout.write(summary(findings))
    if chosen.json:
        write_findings(findings, Path(chosen.json))
    if all(finding.skipped for finding in findings):
        raise StackError(f"no case could be tried ({findings[0].skipped}): check --url and --api-key")
    return int(any(not finding.passed and not finding.skipped for finding in findings))


SHORT_LIVED = {"WS_TTS_TTL_S": "1.0", "WS_TTS_SWEEP_S": "0.05"}
"""So that a session can be seen to expire."""


def write_findings(findings: "list[Finding]", path: Path) -> None:
    """Write all findings as JSON. Raises `OwnFailure` where that cannot be."""
    import msgspec

    from ..errors import OwnFailure

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(findings), indent=2))
    except OSError as error:
        raise OwnFailure(f"{path} cannot be written ({error.strerror}): see --json") from None
