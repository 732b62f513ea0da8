"""The report for people: one HTML file that needs nothing else, readable even where no script may run."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from msgspec.structs import replace

from ..verdict import Verdict
from .markdown import MARKS
from .model import Report
from .sentences import sentences

MOST_TIMELINES = 200
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
        report=report,
        sentences=list(zip(sentences(report, "en"), sentences(report, "zh"), strict=True)),
        marks=MARKS,
        Verdict=Verdict,
        failing=failing[:MOST_TIMELINES],
        failing_left_out=len(failing[MOST_TIMELINES:]),
        data=_for_charts(report),
    )


def page(template: str, data: object, **values: Any) -> str:
    """Render a template with style, scripts, words and `data` (JSON for the scripts) inlined."""
    words = msgspec.json.decode(_asset("words.json"))
    return (
        _environment()
        .from_string(_asset(template))
        .render(
            **values,
            words=words,
            style=Markup(_asset("report.css")),
            charts_library=Markup(_inline(_asset(_LIBRARY))),
            charts_script=Markup(_inline(_asset("report.js"))),
            data=_script_json(data),
            words_json=_script_json(words),
        )
    )


def _for_charts(report: Report) -> Report:
    """What the scripts draw; the rest stands in the page already, or is for machines."""
    config = {name: value for name, value in report.config.items() if name != "planned_faults"}
    failed = [row for row in report.rows if row.verdict is Verdict.FAIL]
    return replace(report, config=config, sessions=[], histograms={}, rows=failed)


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
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
