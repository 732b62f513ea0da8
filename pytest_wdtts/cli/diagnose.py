"""`wdtts diagnose`: why is it slow - the guide's experiments (chapter 4), a cause, how sure, and what to do next."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import INTERRUPTED

if TYPE_CHECKING:
    from ..diagnose import Concluded, DiagnosisOrder
    from ..report.sentences import Language

EPILOG = (
    "Exit code: 0 no cause found, 3 our own generator (no gateway is blamed), 10 cannot tell, 11 gateway saturated, "
    "12 gateway stalls, 13 slow readers hurt others, 14 flush granularity, 15 gateway leaks or drifts, "
    "16 network or proxy; 2 interrupted, 4 usage."
)
OBJECTIVE = "service_time_ms.p99<100 and errors==0"
EXIT_CODES = {
    "none_found": 0,
    "our_generator": 3,
    "cannot_tell": 10,
    "gateway_saturated": 11,
    "gateway_stalls": 12,
    "slow_readers_hurt_others": 13,
    "flush_granularity": 14,
    "gateway_leaks_or_drifts": 15,
    "network_or_proxy": 16,
}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("diagnose", help="say why a gateway is slow", description=__doc__, epilog=EPILOG)
    parser.add_argument("--url", help="WebSocket URL of the gateway; without it, the reference gateway is started")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--objective", metavar="EXPR", default=OBJECTIVE, help=f"what a load has to keep ({OBJECTIVE})")
    parser.add_argument("--max-sessions", type=int, default=50, help="top of the ladder (default 50)")
    parser.add_argument("--cps", type=float, default=20.0, help="units a second of each session of the ladder (20)")
    parser.add_argument("--corpus", default="zh_high_punct", help="text of the ladder: a shipped one, or a file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter steps: under 90 s, less sure")
    parser.add_argument("--lang", choices=("en", "zh"), help="language of the output (default: by LANG)")
    parser.add_argument("--report", default="wdtts-report", help="directory for evidence and report")
    parser.add_argument("--defect", action="append", default=[], help="defect of the reference gateway, NAME[:ARGS]")
    parser.add_argument("--again", metavar="DIR", help="judge the saved steps in this directory, offline")
    parser.set_defaults(run=diagnose)


def diagnose(chosen: argparse.Namespace) -> int:
    """Carry it out or judge it again, print it, write it. What was seen until Ctrl-C is judged as well."""
    from ..diagnose import DiagnosisInterrupted, carry_out_diagnosis, conclude_diagnosis, estimate_s

    if chosen.again:
        return _tell_concluded(conclude_diagnosis(Path(chosen.again)), chosen.lang)
    asked = _order(chosen)
    least_s, most_s = estimate_s(asked)
    sys.stderr.write(
        f"wdtts diagnose: about {least_s:.0f} s, up to {most_s:.0f} s where the gateway is slow, more where this "
        "machine is; Ctrl-C or SIGTERM ends it with what was seen until then\n"
    )
    try:
        return _tell_concluded(carry_out_diagnosis(asked, _tell), chosen.lang)
    except DiagnosisInterrupted as interrupted:
        _tell_concluded(interrupted.concluded, chosen.lang)
        return INTERRUPTED


def _tell_concluded(concluded: "Concluded", language: "Language | None") -> int:
    from ..diagnose import write_concluded
    from ..report.diagnosis import diagnosis_lines, spoken

    report, paths = write_concluded(concluded)
    sys.stdout.write("\n".join(diagnosis_lines(report, language or spoken())) + "\n")
    sys.stdout.writelines(f"report: {path}\n" for path in paths)
    return EXIT_CODES[report.cause.value]


def _tell(words: str) -> None:
    sys.stderr.write(f"  {words}\n")


def _order(chosen: argparse.Namespace) -> "DiagnosisOrder":
    from ..diagnose import DiagnosisOrder
    from ..gate import Order

    order = Order(
        scenario="diagnosis",
        url=chosen.url or "",
        api_key=chosen.api_key,
        defects=tuple(chosen.defect),
        report_dir=chosen.report,
    )
    names = ("objective", "max_sessions", "cps", "corpus", "seed", "quick")
    return DiagnosisOrder.of(order, {name: getattr(chosen, name) for name in names})
