"""`wdtts bench`: the operator's old benchmark, flag for flag (guide, chapter 2), with every unit accounted for."""

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import exit_code

if TYPE_CHECKING:
    from ..gate import Order
    from ..report import Report
    from ..run import Remark, Snapshot


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("bench", help="drive a gateway and print the guide's figures", description=__doc__)
    parser.add_argument("--url", help="WebSocket URL of the gateway; without it, the reference gateway is started")
    parser.add_argument("--scenario", default="baseline", choices=("baseline", "mixed", "heavy"))
    parser.add_argument("--concurrency", type=int, default=50, help="sessions at once (default 50)")
    parser.add_argument("--cps", type=float, default=5.0, help="units a second of each session (default 5)")
    parser.add_argument("--duration", type=float, default=60.0, help="seconds that each session types (default 60)")
    parser.add_argument("--text-file", help="UTF-8 text of at least cps x duration units")
    parser.add_argument("--disconnect-percent", type=float, help="share of sessions to cut, 0..1")
    parser.add_argument("--cancel-percent", type=float, help="share of sessions to cancel, 0..1")
    parser.add_argument("--backpressure-percent", type=float, help="share of slow readers, 0..1")
    parser.add_argument("--backpressure-pause-s", type=float, help="how long a slow reader stops reading")
    parser.add_argument("--reconnect-delay-s", type=float, help="how long a cut session stays away")
    parser.add_argument("--sample-rate", type=int, default=16000, help="samples a second to ask for (default 16000)")
    parser.add_argument("--channels", type=int, default=1, help="1 or 2 (default 1)")
    parser.add_argument("--audio-format", default="pcm16_wav", help="what to ask for (default pcm16_wav)")
    parser.add_argument("--output-json", help="also write the report here")
    parser.add_argument("--api-key", default="", help="key to present to the gateway")
    parser.add_argument("--seed", type=int, default=1, help="seed of every random choice (default 1)")
    parser.add_argument("--cluster", default="", help="Dask scheduler whose workers drive the load")
    parser.add_argument("--report", default="wdtts-report", help="directory for all reports (default wdtts-report)")
    parser.set_defaults(run=bench)


def bench(chosen: argparse.Namespace) -> int:
    """Run it; 0 passed, 1 failed, 3 invalid."""
    from ..gate import carry_out

    if chosen.output_json:
        _make_room(Path(chosen.output_json))
    outcome = carry_out(_order(chosen), _show if sys.stderr.isatty() else None)
    sys.stdout.write(figures(outcome.report))
    if chosen.output_json:
        _write_also(outcome.report_path, Path(chosen.output_json))
    sys.stdout.write(f"report: {outcome.report_path}\n")
    return exit_code([outcome.report.verdict])


def figures(report: "Report") -> str:
    """The figures of the guide's chapter 3, then each row that did not pass."""
    from ..report import summary_lines

    s = report.summary
    lines = [
        f"scenario             {report.scenario}",
        f"sessions             {s.sessions}",
        f"errors session       {s.errors}",
        f"missing_units        {s.missing_units} ({s.unexplained_missing_units} unexplained)",
        f"duplicate_units      {s.duplicate_units}",
        f"mismatched_units     {s.mismatched_units}",
        f"sent_units           {s.sent_units}",
        f"received_units       {s.received_units}",
        f"sent == received     {'yes' if s.sent_units == s.received_units else 'no'}",
    ]
    names = {"TTFA": "ttfa_ms", "UnitLatency": "unit_latency_ms", "service time": "service_time_ms"}
    for label, name in names.items():
        at = report.latency[name]
        lines.append(
            f"{label:<20} p50 {at['p50']:.1f}  p95 {at['p95']:.1f}  p99 {at['p99']:.1f}  max {at['max']:.1f} ms"
        )
    return "\n".join([*lines, "", *summary_lines(report)]) + "\n"


def _order(chosen: argparse.Namespace) -> "Order":
    from ..gate import Order

    load: dict[str, object] = {
        "sessions": chosen.concurrency,
        "cps": chosen.cps,
        "duration_s": chosen.duration,
        "seed": chosen.seed,
        "sample_rate": chosen.sample_rate,
        "channels": chosen.channels,
        "audio_format": chosen.audio_format,
    }
    if chosen.text_file:
        load["corpus"] = chosen.text_file
    asked = {
        ("disconnect", "percent"): chosen.disconnect_percent,
        ("disconnect", "reconnect_delay_s"): chosen.reconnect_delay_s,
        ("cancel", "percent"): chosen.cancel_percent,
        ("slow_reader", "percent"): chosen.backpressure_percent,
        ("slow_reader", "pause_s"): chosen.backpressure_pause_s,
    }
    shares: dict[str, dict[str, object]] = {}
    for (name, field), value in asked.items():
        if value is not None:
            shares.setdefault(name, {})[field] = value
    if chosen.scenario == "baseline":  # It has no faults but those whose share is given.
        shares = {name: fields for name, fields in shares.items() if "percent" in fields}
    return Order(
        scenario=chosen.scenario,
        load=load,
        shares=shares,
        url=chosen.url or "",
        api_key=chosen.api_key,
        report_dir=chosen.report,
        cluster=chosen.cluster,
    )


def _show(now: "Snapshot | Remark") -> None:
    sys.stderr.write(f"\r{now.line()}   ")
    sys.stderr.flush()


def _make_room(wanted: Path) -> None:
    """Refuse a place that cannot be written before the run, not after it. Raises `UsageError`."""
    from ..errors import UsageError

    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        new = not wanted.exists()
        wanted.open("ab").close()
        if new:  # An empty file would look like a report that broke off.
            wanted.unlink()
    except OSError as error:
        raise UsageError(
            f"--output-json: {wanted} cannot be written ({error.strerror}): give a file in a directory of yours"
        ) from None


def _write_also(report_path: str, wanted: Path) -> None:
    from ..errors import OwnFailure

    try:
        shutil.copyfile(report_path, wanted)
    except OSError as error:
        raise OwnFailure(f"{wanted} cannot be written ({error.strerror}); the report is at {report_path}") from None
