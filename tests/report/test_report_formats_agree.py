"""All formats of one run agree on every number."""

import csv
import re
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from hdrh.log import HistogramLogReader
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from pytest_wdtts.record.histogram import percentiles_ms
from pytest_wdtts.report import Report, junit_properties, read_report, write_all
from pytest_wdtts.report.curves import empty
from tests.made_up_run import WRONGS, made_up_run, reported

QUANTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99", "p999": "0.999", "max": "1"}


class Formats:
    """One run in all its formats."""

    def __init__(self, directory: Path, wrong: str) -> None:
        result = made_up_run(wrong)
        self.report = reported(result)
        written = write_all(self.report, result, directory)
        assert [outcome.error for outcome in written if outcome.error] == []
        self.path = {outcome.format: Path(outcome.path) for outcome in written}

    def text(self, name: str) -> str:
        return self.path[name].read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["", *WRONGS])
def formats(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formats]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        yield Formats(tmp_path_factory.mktemp("formats"), request.param)


def test_json_reads_back_as_the_same_report(formats: Formats) -> None:
    assert read_report(formats.path["json"]) == formats.report


def test_csv_has_the_windows(formats: Formats) -> None:
    rows = list(csv.DictReader(StringIO(formats.text("csv"))))
    assert len(rows) == len(formats.report.windows)
    for row, window in zip(rows, formats.report.windows, strict=True):
        for name, value in window.items():
            if name == "errors_by_code":
                seen = {code: int(row[f"errors_{code}"]) for code in formats.report.errors_by_code}
                assert {code: count for code, count in seen.items() if count} == value
            elif isinstance(value, dict):
                assert {figure: float(row[f"{name}_{figure}"]) for figure in value} == value
            else:
                assert float(row[name]) == value


def test_hlog_merges_to_the_latency_of_the_run(formats: Formats) -> None:
    merged = {tag: empty() for tag in formats.report.latency}
    reader = HistogramLogReader(str(formats.path["hlog"]), empty())
    with closing(reader):
        while interval := reader.get_next_interval_histogram():
            if interval.get_tag() in merged:
                merged[interval.get_tag()].add(interval)
        if any(figures["count"] for figures in formats.report.latency.values()):
            assert reader.get_start_time_sec() == formats.report.config["origin_unix_s"]
    assert {tag: percentiles_ms(folded) for tag, folded in merged.items()} == formats.report.latency


def test_openmetrics_has_summary_latency_and_rows(formats: Formats) -> None:
    families = text_string_to_metric_families(formats.text("openmetrics"))  # type: ignore[no-untyped-call]
    samples = [sample for family in families for sample in family.samples]
    report = formats.report
    for name, value in msgspec.to_builtins(report.summary).items():
        assert value_of(samples, f"wdtts_summary_{name}") == value
    for measure, figures in report.latency.items():
        name = measure.removesuffix("_ms")
        for figure, quantile in QUANTILES.items():
            seen_s = value_of(samples, "wdtts_latency_seconds", measure=name, quantile=quantile)
            assert seen_s * 1000 == pytest.approx(figures[figure])  # type: ignore[literal-required]
        assert value_of(samples, "wdtts_latency_values", measure=name) == figures["count"]
    rows = {s.labels["row"]: s.labels["verdict"] for s in samples if s.name == "wdtts_row"}
    assert rows == {row.id: row.verdict.value for row in report.rows}
    assert value_of(samples, "wdtts_verdict", verdict=report.verdict.value) == 1


def value_of(samples: list[Sample], metric: str, **labels: str) -> float:
    found = [s.value for s in samples if s.name == metric and labels.items() <= s.labels.items()]
    assert len(found) == 1, f"{metric} {labels}: {found}"
    return float(found[0])


def test_markdown_has_every_figure(formats: Formats) -> None:
    page = formats.text("markdown")
    for measure, f in formats.report.latency.items():
        cells = " | ".join(str(f[name]) for name in ("p50", "p95", "p99", "p999", "max", "count"))
        assert f"| {measure.removesuffix('_ms')} | {cells} |" in page
    for row in formats.report.rows:
        assert f"`{row.id}`" in page


def test_html_draws_from_the_same_numbers(formats: Formats) -> None:
    page = formats.text("html")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data
    drawn = msgspec.json.decode(data[1], type=Report)
    assert drawn.summary == formats.report.summary
    assert drawn.latency == formats.report.latency
    assert drawn.windows == formats.report.windows
    assert drawn.errors_by_code == formats.report.errors_by_code
    for figures in formats.report.latency.values():
        assert f'<td class="number">{figures["p99"]}</td>' in page


def test_junit_properties_have_the_summary(formats: Formats) -> None:
    report = formats.report
    for row in report.rows:
        properties = dict(junit_properties(row, report))
        assert properties["wdtts.verdict"] == row.verdict.value
        assert properties["wdtts.missing_units"] == str(report.summary.missing_units)
        assert properties["wdtts.service_time_ms.p99"] == str(report.latency["service_time_ms"]["p99"])


def test_the_parts_add_up_to_the_whole(formats: Formats) -> None:
    report = formats.report
    for code, count in report.errors_by_code.items():
        assert sum(window["errors_by_code"].get(code, 0) for window in report.windows) == count
    for measure, figures in report.latency.items():
        if measure != "ttfa_ms":
            assert sum(window[measure]["count"] for window in report.windows) == figures["count"]  # type: ignore[literal-required]
    assert sum(line.missing_units for line in report.sessions) == report.summary.missing_units
