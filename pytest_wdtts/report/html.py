"""The report for people: one HTML file that needs nothing else, readable even where no script may run."""

from collections import defaultdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from msgspec.structs import replace

from ..verdict import Row, Verdict
from .chinese import chinese
from .model import Report
from .sentences import sentences

MOST_TIMELINES = 200
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.NOT_ASSESSABLE: "–", Verdict.INVALID: "⚠"}
_LIBRARY = "echarts.common.min.js"


def write_html(report: Report, path: Path) -> Path:
    """Write the page. Raises `OSError`."""
    path.write_text(html_page(report), encoding="utf-8")
    return path


def html_page(report: Report) -> str:
    """The whole page of one run."""
    failing = [lane for lane in report.lanes if lane.failing or lane.trouble]
    return page(
        "report.html.j2",
        {"report": _for_charts(report), "chinese": _chinese_of_charts(report)},
        "report.js",
        report=report,
        Verdict=Verdict,
        sentences=list(zip(sentences(report, "en"), sentences(report, "zh"), strict=True)),
        broken=_broken(report),
        faulty_s=_faulty_s(report),
        failing=failing[:MOST_TIMELINES],
        failing_left_out=len(failing[MOST_TIMELINES:]),
        troubles=defaultdict(list, _troubles(report)),
        naming=defaultdict(list, _naming(report)),
        latency=[*report.latency.items(), ("probe_ttfa_ms", report.probes.ttfa_ms)],
        plan=[(name, value) for name, value in report.config.items() if name not in ("faults", "planned_faults")],
        fault_plan=list(_fault_plan(report)),
    )


def page(template: str, data: object, script: str, own_words: dict[str, list[str]] | None = None, **values: Any) -> str:
    """Render a page with style, scripts, words and `data` (JSON for the script) inlined; `template` is an asset.

    `own_words` are those of this page alone.
    """
    words = msgspec.json.decode(_asset("words.json")) | (own_words or {})
    return (
        _environment()
        .get_template(template)
        .render(
            **values,
            words=words,
            signs=SIGNS,
            style=Markup(_asset("report.css")),
            scripts=[Markup(_inline(_asset(name))) for name in (_LIBRARY, "charts.js", script)],
            data=_script_json(data),
            words_json=_script_json(words),
        )
    )


def _broken(report: Report) -> list[Row]:
    """The rows that a reader has to see first; an invalid run says once why it is no evidence."""
    found = [row for row in report.rows if row.verdict in (Verdict.FAIL, Verdict.INVALID)]
    return found[:1] if report.rows and report.rows[0].verdict is Verdict.INVALID else found


def _faulty_s(report: Report) -> list[tuple[float, float]]:
    """When anything was broken on purpose: the union of all fault intervals."""
    spans: list[tuple[float, float]] = []
    for interval in report.fault_intervals:
        if spans and interval.start_s <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], interval.end_s))
        else:
            spans.append((interval.start_s, interval.end_s))
    return spans


def _troubles(report: Report) -> dict[str, list[tuple[str, int]]]:
    """By session, what is wrong with its units, in counts."""
    kinds = ("missing", "duplicate", "mismatched")
    return {
        line.id: [(name, count) for name in kinds if (count := getattr(line, f"{name}_units"))]
        for line in report.sessions
    }


def _naming(report: Report) -> dict[str, list[str]]:
    """By session, the rows whose evidence names it."""
    rows: dict[str, list[str]] = {}
    for row in report.rows:
        for session in dict.fromkeys(piece.session for piece in row.evidence):
            rows.setdefault(session, []).append(row.id)
    return rows


def _fault_plan(report: Report) -> Any:
    faults: Any = report.config["faults"]
    for name, fields in faults.items():
        yield f"{name} × {report.injected_faults.get(name, 0)}", " ".join(f"{key}={fields[key]}" for key in fields)


def _for_charts(report: Report) -> Report:
    """What the scripts draw; the rest stands in the page already, or is for machines."""
    config = {name: value for name, value in report.config.items() if name != "planned_faults"}
    failed = [row for row in report.rows if row.verdict is Verdict.FAIL]
    return replace(report, config=config, sessions=[], histograms={}, rows=failed)


def _chinese_of_charts(report: Report) -> dict[str, str]:
    """What the charts say on hover, where it is English: a translation each."""
    said = {detail for lane in report.lanes for _, _, detail in lane.events}
    said |= {piece.what for row in report.rows for piece in row.evidence}
    return {text: translated for text in sorted(said) if (translated := chinese(text)) != text}


def _readable(value: float) -> str:
    """Three digits that count: 1,204, 27.7, 0.522."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def _short(session_id: str) -> str:
    return session_id.rpartition("-")[2]


def _script_json(value: object) -> Markup:
    """JSON that cannot end the script element it stands in, whatever a gateway sent."""
    return Markup(msgspec.json.encode(value).decode().replace("<", "\\u003c"))


def _inline(script: str) -> str:
    return script.replace("</script", "<\\/script")


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"chinese": chinese, "readable": _readable, "short": _short}
    return environment
