"""The run as Markdown: a page of its own, and what GitHub shows under a workflow run."""

import os
from pathlib import Path

from ..verdict import Verdict
from .model import Report
from .sentences import sentences

MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.NOT_ASSESSABLE: "➖", Verdict.INVALID: "⚠️"}


def write_markdown(report: Report, path: Path) -> Path:
    """Write the page. Raises `OSError`."""
    path.write_text(markdown(report), encoding="utf-8")
    return path


def append_step_summary(report: Report, path: Path) -> Path | None:
    """Append the page to `$GITHUB_STEP_SUMMARY`; None where there is no such file. Raises `OSError`."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return None
    with Path(summary).open("a", encoding="utf-8") as file:
        file.write(markdown(report) + "\n")
    return Path(summary)


def markdown(report: Report) -> str:
    """The whole page: sentences, rows, latency, evidence of what did not pass, replay."""
    lines = [f"## {MARKS[report.verdict]} {report.scenario}: {report.verdict.value}", ""]
    lines += [f"{sentence}  " for sentence in map(_text, sentences(report))]
    lines += ["", _text(report.split.sentence)] if report.split else []
    lines += ["", "| | row | observed | limit |", "|---|---|---|---|"]
    lines += [
        f"| {MARKS[row.verdict]} | `{row.id}` | {_text(row.observed)} | {_text(row.limit)} |" for row in report.rows
    ]
    lines += ["", "| latency, ms | p50 | p95 | p99 | p99.9 | max | values |", "|---|--:|--:|--:|--:|--:|--:|"]
    lines += [
        f"| {name.removesuffix('_ms')} | {f['p50']} | {f['p95']} | {f['p99']} | {f['p999']} | {f['max']} "
        f"| {f['count']} |"
        for name, f in report.latency.items()
    ]
    return "\n".join([*lines, *_evidence(report), "", "```sh", report.replay, "```", ""])


def _evidence(report: Report) -> list[str]:
    lines: list[str] = []
    for row in report.rows:
        if row.verdict in (Verdict.FAIL, Verdict.INVALID) and row.evidence:
            lines += ["", f"<details><summary><code>{row.id}</code>: {row.seen} pieces of evidence</summary>", ""]
            lines += [
                f"- {piece.at_s:.3f} s, `{piece.session or 'all sessions'}`: {_text(piece.what)}"
                for piece in row.evidence
            ]
            lines += ["", "</details>"]
    return lines


def _text(words: str) -> str:
    """Words that came from a gateway must not become a table, HTML or a new line."""
    for mark, harmless in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "\\`"), ("\n", " ")):
        words = words.replace(mark, harmless)
    return words
