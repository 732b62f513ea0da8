"""The run as OpenMetrics text, for those who push or collect results into Prometheus."""

from pathlib import Path

from msgspec.structs import asdict
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.exposition import generate_latest

from ..verdict import Verdict
from .model import Report

_QUANTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99", "p999": "0.999", "max": "1"}


def write_openmetrics(report: Report, path: Path) -> Path:
    """Write gauges, all with the label `scenario`; latencies in seconds as Prometheus has them. Raises `OSError`."""
    path.write_bytes(generate_latest(_registry(report)))  # type: ignore[no-untyped-call]
    return path


def _registry(report: Report) -> CollectorRegistry:
    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"wdtts_{name}", text, ("scenario", *labels), registry=registry)

    scenario = report.scenario
    verdict = gauge("verdict", "1 for the verdict of the run, 0 for the others", "verdict")
    row = gauge("row", "1 for the verdict of each row of the checklist", "row", "verdict")
    for kind in Verdict:
        verdict.labels(scenario, kind.value).set(report.verdict is kind)
    for line in report.rows:
        row.labels(scenario, line.id, line.verdict.value).set(1)
    for name, value in asdict(report.summary).items():
        gauge(f"summary_{name}", f"Summary of the planned load: {name}").labels(scenario).set(value)
    errors = gauge("errors", "Sessions by the code of their error", "code")
    for code, count in report.errors_by_code.items():
        errors.labels(scenario, code).set(count)
    latency = gauge("latency_seconds", "Latency of the planned load", "measure", "quantile")
    values = gauge("latency_values", "How many values each measure has", "measure")
    for measure, figures in report.latency.items():
        name = measure.removesuffix("_ms")
        for figure, quantile in _QUANTILES.items():
            latency.labels(scenario, name, quantile).set(figures[figure] / 1000)  # type: ignore[literal-required]
        values.labels(scenario, name).set(figures["count"])
    gauge("end_timestamp_seconds", "When the run ended, seconds since 1970").labels(scenario).set(
        float(str(report.config["origin_unix_s"])) + report.summary.duration_s
    )
    return registry
