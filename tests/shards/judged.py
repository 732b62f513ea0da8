"""Runs of shards, judged for what they are: a busy machine is no subject here."""

import json
from pathlib import Path
from typing import Any

from pytest_wdtts.record import read_journal
from pytest_wdtts.verdict import Limits, judge


def verdicts(directory: Path, scenario: str = "baseline") -> dict[str, str]:
    """By row, as judged again from the journal without limits on our own lateness; steadiness is left out."""
    patient = Limits(send_lateness_p99_ms=1e6, loop_delay_p99_ms=1e6)
    rows = judge(read_journal(directory / f"{scenario}.jsonl"), patient)
    return {row.id: row.verdict.value for row in rows if "stable" not in row.id}


def blamed(directory: Path, scenario: str = "baseline") -> set[str]:
    """Rows that do not pass and could be judged."""
    return {row for row, verdict in verdicts(directory, scenario).items() if verdict not in ("pass", "not_assessable")}


def journal(directory: Path, name: str) -> list[dict[str, Any]]:
    """The whole lines of a journal, so far."""
    path = directory / name
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def sessions_of(lines: list[dict[str, Any]]) -> set[str]:
    """Ids of the load's sessions in a journal."""
    return {line["id"] for line in lines if line["line"] == "session" and "-p" not in line["id"]}
