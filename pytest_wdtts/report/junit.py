"""What JUnit XML says of a row beside its outcome."""

from ..verdict import Row
from .model import Report


def junit_properties(row: Row, report: Report) -> list[tuple[str, str]]:
    """Return the properties of one row's test case, for `--junitxml`."""
    load = report.config
    return (
        [
            ("wdtts.scenario", report.scenario),
            ("wdtts.row", row.id),
            ("wdtts.verdict", row.verdict.value),
            ("wdtts.observed", row.observed),
            ("wdtts.limit", row.limit),
            ("wdtts.seed", str(report.seed)),
            ("wdtts.sessions", str(load["sessions"])),
            ("wdtts.cps", str(load["cps"])),
            ("wdtts.gateway", f"{load['stack']} {report.gateway.get('version', '')}".strip()),
            ("wdtts.replay", report.replay),
        ]
        + [
            (f"wdtts.{name}", str(getattr(report.summary, name)))
            for name in (
                "sent_units",
                "received_units",
                "missing_units",
                "duplicate_units",
                "mismatched_units",
                "errors",
            )
        ]
        + [(f"wdtts.{name}.p99", str(figures["p99"])) for name, figures in report.latency.items()]
    )
