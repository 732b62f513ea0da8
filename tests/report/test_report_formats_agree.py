"""All formats of one run agree on every number."""

import csv
import html
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

from pytest_wdtts.cli import bench
from pytest_wdtts.record.histogram import percentiles_ms
from pytest_wdtts.report import Report, junit_properties, read_report, summary_lines, write_all
from pytest_wdtts.report.curves import PROBE_TTFA, empty
from pytest_wdtts.report.sentences import LANGUAGES, sentences
from pytest_wdtts.verdict import Verdict
from tests.made_up_run import WRONGS, made_up_run, reported
from tests.npm_tools import node

QUANTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99", "p999": "0.999", "max": "1"}


class Drawn(msgspec.Struct):
    """What the page carries for its charts."""

    report: Report


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


def test_hlog_has_each_window_and_merges_to_the_run(formats: Formats) -> None:
    report = formats.report
    merged = {tag: empty() for tag in (*report.latency, PROBE_TTFA)}
    seen: dict[tuple[str, float], dict[str, float]] = {}
    reader = HistogramLogReader(str(formats.path["hlog"]), empty())
    with closing(reader):
        while interval := reader.get_next_interval_histogram():
            tag = interval.get_tag()
            merged[tag].add(interval)
            start_s = interval.get_start_time_stamp() / 1000 - float(str(report.config["origin_unix_s"]))
            seen[tag, round(start_s, 2)] = percentiles_ms(interval)
        if any(figures["count"] for figures in report.latency.values()):
            assert reader.get_start_time_sec() == report.config["origin_unix_s"]
    folded = {tag: percentiles_ms(histogram) for tag, histogram in merged.items()}
    assert folded == report.latency | {PROBE_TTFA: report.probes.ttfa_ms}
    for window in report.windows:
        for measure in report.latency:
            tag = PROBE_TTFA if measure == "ttfa_ms" else measure
            figures = window[measure]  # type: ignore[literal-required]
            assert seen.get((tag, round(window["start_s"], 2)), percentiles_ms(empty())) == figures


def test_another_library_reads_the_same_from_the_hlog(formats: Formats) -> None:
    read = node("read_hlog.cjs", formats.path["hlog"])
    report = formats.report
    figures = {tag: f for tag, f in (*report.latency.items(), (PROBE_TTFA, report.probes.ttfa_ms)) if f["count"]}
    assert set(read) == set(figures)
    for tag, (count, most_us, p99_us) in read.items():
        assert count == figures[tag]["count"]
        assert most_us / 1000 == figures[tag]["max"]
        # It takes the value at or above the rank, ours the nearest: a neighbour, never beyond these.
        assert figures[tag]["p99"] <= p99_us / 1000 <= figures[tag]["max"]


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
    codes = {s.labels["code"]: s.value for s in samples if s.name == "wdtts_errors"}
    assert codes == report.errors_by_code
    ended_s = float(str(report.config["origin_unix_s"])) + report.summary.duration_s
    assert value_of(samples, "wdtts_end_timestamp_seconds") == pytest.approx(ended_s, abs=1e-3)
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
    words = html.unescape(page).replace("\\", "")
    for row in formats.report.rows:
        assert f"| `{row.id}` | {row.observed} | {row.limit} |".replace("\n", " ") in words
        if row.verdict in (Verdict.FAIL, Verdict.INVALID):
            assert all(piece.what in words for piece in row.evidence)


def test_html_draws_from_the_same_numbers(formats: Formats) -> None:
    page = formats.text("html")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data
    report = formats.report
    drawn = msgspec.json.decode(data[1], type=Drawn).report
    same = ("summary", "latency", "windows", "errors_by_code", "fault_intervals", "lanes", "percentile_curves")
    assert {name: getattr(drawn, name) for name in same} == {name: getattr(report, name) for name in same}
    assert drawn.gateway_samples == report.gateway_samples


def test_html_shows_every_figure_and_rounds_only_what_is_read(formats: Formats) -> None:
    page, report = formats.text("html"), formats.report
    measures = [*report.latency.values(), report.probes.ttfa_ms]
    expected = [f[name] for f in measures for name in QUANTILES]  # type: ignore[literal-required]
    shown = re.findall(r'<td class="number"><data value="([^"]*)">([^<]*)</data></td>', page)
    assert [float(exact) for exact, _ in shown] == expected
    for exact, read in shown:
        assert float(read.replace(",", "")) == pytest.approx(float(exact), rel=0.006, abs=0.0005)
    assert re.findall(r'</data></td><td class="number">(\d+)</td>', page) == [str(f["count"]) for f in measures]
    words = html.unescape(re.sub(r"<[^>]*>", "", page[: page.index("<script")]))
    for row in report.rows:
        assert row.limit in words
        assert row.verdict is Verdict.INVALID or row.observed in words
        assert row.verdict is not Verdict.FAIL or all(piece.what in words for piece in row.evidence)


def test_junit_properties_have_the_summary(formats: Formats) -> None:
    report = formats.report
    for row in report.rows:
        properties = dict(junit_properties(row, report))
        told = {"row": row.id, "verdict": row.verdict.value, "observed": row.observed, "limit": row.limit}
        for name in ("sent_units", "received_units", "missing_units", "duplicate_units", "mismatched_units", "errors"):
            told[name] = str(getattr(report.summary, name))
        told |= {f"{measure}.p99": str(figures["p99"]) for measure, figures in report.latency.items()}
        assert {name: properties[f"wdtts.{name}"] for name in told} == told


def test_terminal_and_sentences_have_the_summary(formats: Formats) -> None:
    report = formats.report
    s = report.summary
    head, latency = summary_lines(report)[:2]
    counts = f"{s.sent_units} units sent, {s.received_units} received, {s.missing_units} missing"
    assert f"{s.sessions} sessions, {s.errors} with errors, {counts}" in head
    assert f", {s.duplicate_units} duplicate, {s.mismatched_units} mismatched" in head
    for name in ("unit_latency_ms", "flush_wait_ms", "service_time_ms"):
        assert f"p50/p99 {report.latency[name]['p50']:.0f}/{report.latency[name]['p99']:.0f} ms" in latency
    assert f"TTFA of probes p99 {report.probes.ttfa_ms['p99']:.0f} ms" in latency
    for language in LANGUAGES:
        said = sentences(report, language)[1]
        for count in (
            s.sessions,
            s.sent_units,
            s.received_units,
            s.missing_units,
            s.duplicate_units,
            s.mismatched_units,
        ):
            assert f"{count:,}" in said


def test_the_old_benchmark_s_figures_are_the_report_s(formats: Formats) -> None:
    said, report = bench.figures(formats.report), formats.report
    for name in ("missing_units", "duplicate_units", "mismatched_units", "sent_units", "received_units"):
        assert re.search(rf"^{name} +{getattr(report.summary, name)}\b", said, re.MULTILINE)
    for measure in ("ttfa_ms", "unit_latency_ms", "service_time_ms"):
        f = report.latency[measure]
        assert f"p50 {f['p50']:.1f}  p95 {f['p95']:.1f}  p99 {f['p99']:.1f}  max {f['max']:.1f} ms" in said


def test_the_parts_add_up_to_the_whole(formats: Formats) -> None:
    report = formats.report
    for code, count in report.errors_by_code.items():
        assert sum(window["errors_by_code"].get(code, 0) for window in report.windows) == count
    for measure, figures in report.latency.items():
        if measure != "ttfa_ms":
            assert sum(window[measure]["count"] for window in report.windows) == figures["count"]  # type: ignore[literal-required]
    for name in ("sent_units", "received_units", "missing_units", "duplicate_units", "mismatched_units"):
        assert sum(getattr(line, name) for line in report.sessions) == getattr(report.summary, name)
    assert sum(window["ttfa_ms"]["count"] for window in report.windows) == report.probes.ttfa_ms["count"]
