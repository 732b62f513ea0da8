"""What Allure is told: each row as a test with steps, and the files that tell it about the run as a whole.

Nothing here imports Allure before it is known to be in use. Parameters that change from run to run are left out
of a test's identity, so that its history goes on.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from ..verdict import Row, Verdict
from .model import Report
from .sentences import sentences

FEATURES = {
    "run": ("run_valid",),
    "accounting": ("missing_units", "duplicate_units", "mismatched_units", "sent_equals_received", "unit_order"),
    "audio": ("audio_integrity",),
    "sessions": ("session_errors", "session_end", "error_types", "internal_error_ratio"),
    "latency": ("ttfa_p99_stable", "unit_latency_p99_stable", "service_time_p99_stable"),
    "faults": ("resume_exactly_once", "cancel_respected"),
    "resources": ("gateway_resources",),
    "isolation": ("slow_readers_contained", "isolation_errors", "isolation_latency"),
}
SEVERITIES = {
    "blocker": ("run_valid", *FEATURES["accounting"]),
    "critical": (
        *FEATURES["audio"],
        *FEATURES["sessions"],
        *FEATURES["faults"],
        *FEATURES["resources"],
        *FEATURES["isolation"],
    ),
    "normal": FEATURES["latency"],
}
CATEGORIES = (
    {"name": "invalid run", "messageRegex": r"[\s\S]*\w+: invalid \([\s\S]*", "matchedStatuses": ["failed"]},
    {"name": "isolation", "messageRegex": r"[\s\S]*isolation_\w+: fail[\s\S]*", "matchedStatuses": ["failed"]},
    {"name": "statistical", "messageRegex": r"[\s\S]*\w+_stable: fail[\s\S]*", "matchedStatuses": ["failed"]},
    {"name": "gateway defect", "messageRegex": r"[\s\S]*\(the gateway fails\)[\s\S]*", "matchedStatuses": ["failed"]},
    {"name": "not assessable", "messageRegex": r"[\s\S]*not assessable[\s\S]*", "matchedStatuses": ["skipped"]},
)
"""The first that matches takes a test, so what is special stands before what is general.

Allure 2 matches them as Java against the whole message, Allure 3 as JavaScript: hence no `(?s)`."""
_TYPES = {".html": "text/html", ".json": "application/json", ".hlog": "text/plain", ".wav": "audio/wav"}


class _Failed(AssertionError):
    """Marks a step as failed; never leaves this module."""


def tell_allure(row: Row, report: Report, paths: Iterable[str]) -> None:
    """Describe the current test: labels, parameters, steps, and the run's files where they help."""
    import allure

    dynamic: Any = allure.dynamic
    dynamic.epic(f"wdtts {report.scenario}")
    dynamic.feature(_group(FEATURES, row.id, "other"))
    dynamic.story(row.id)
    dynamic.severity(_group(SEVERITIES, row.id, "normal"))
    dynamic.title(f"{report.scenario}: {row.id}")
    dynamic.description("\n\n".join(sentences(report)))
    dynamic.parameter("scenario", report.scenario)
    for name, value in _changing(report).items():
        dynamic.parameter(name, value, excluded=True)
    failed = row.verdict in (Verdict.FAIL, Verdict.INVALID)
    with allure.step(f"drive the load: {sentences(report)[1]}"):
        pass
    with suppress(_Failed), allure.step(f"judge {row.id}: observed {row.observed}; limit {row.limit}"):
        for piece in row.evidence:
            with suppress(_Failed), allure.step(f"{piece.at_s:.3f} s {piece.session or 'all sessions'}: {piece.what}"):
                if failed:
                    raise _Failed(piece.what)
        if failed:
            raise _Failed(row.observed)
    with allure.step(f"see it again: {report.replay}"):
        pass
    if row.id == "run_valid" or failed:
        _attach(paths)


def forget_in_allure(listener: Any, nodeid: str) -> None:
    """Take back the result that Allure's listener has begun: a follower's part of the load is no test.

    The listener has no public way; `tests/report/test_report_allure_page.py` fails where its inside changes.
    """
    if listener is not None and (uuid := listener._cache.pop(nodeid)):
        listener.allure_logger.drop_test(uuid)


def _attach(paths: Iterable[str]) -> None:
    """The run's files stand on `run_valid` and on what did not pass: a copy on each row would be a dozen."""
    import allure

    attach: Any = allure.attach
    for path in map(Path, paths):
        if path.suffix in _TYPES and path.exists():
            attach.file(str(path), name=path.name, attachment_type=_TYPES[path.suffix], extension=path.suffix[1:])


def write_allure_files(directory: Path, reports: Iterable[Report], environment: Mapping[str, str] = os.environ) -> None:
    """Write `environment.properties`, `categories.json` and `executor.json`. Raises `OSError`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "categories.json").write_bytes(msgspec.json.format(msgspec.json.encode(CATEGORIES)))
    (directory / "executor.json").write_bytes(msgspec.json.format(msgspec.json.encode(_executor(environment))))
    lines = [f"{name}={value}" for name, value in _properties(reports).items()]
    (directory / "environment.properties").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _group(groups: Mapping[str, tuple[str, ...]], row_id: str, otherwise: str) -> str:
    return next((name for name, ids in groups.items() if row_id in ids), otherwise)


def _changing(report: Report) -> dict[str, object]:
    load = report.config
    return {
        "sessions": load["sessions"],
        "cps": load["cps"],
        "duration_s": load["duration_s"],
        "seed": report.seed,
        "gateway": f"{load['stack']} {load['url']}",
    }


def _properties(reports: Iterable[Report]) -> dict[str, str]:
    properties: dict[str, str] = {}
    for report in reports:
        properties |= {name: value for name, value in report.environment.items() if name != "pid"}
        properties |= {
            f"gateway.{name}": str(report.gateway[name]) for name in ("engine", "version") if name in report.gateway
        }
        properties |= {f"{report.scenario}.{name}": str(value) for name, value in _changing(report).items()}
    return {name: value.replace("\n", " ") for name, value in properties.items()}


def _executor(environment: Mapping[str, str]) -> dict[str, object]:
    """Who ran it: GitHub Actions by its own variables, else this machine."""
    if not environment.get("GITHUB_ACTIONS"):
        return {"name": "local", "type": "local", "reportName": "wdtts"}
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    url = f"{server}/{repository}/actions/runs/{environment.get('GITHUB_RUN_ID', '')}"
    number = environment.get("GITHUB_RUN_NUMBER", "0")
    return {
        "name": "GitHub Actions",
        "type": "github",
        "reportName": "wdtts",
        "buildOrder": int(number) if number.isdigit() else 0,
        "buildName": f"{environment.get('GITHUB_WORKFLOW', '')} #{number}",
        "buildUrl": url,
    }
