"""A gateway by strangers: legal ones are blamed for nothing, and each defect is found in the sessions that have it.

All runs go side by side, and each session of the defective gateway is wrong in a way of its own: a row has to name
just the sessions that are wrong in its way.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pytest_wdtts.conformance import CATALOGUE, carry_out
from pytest_wdtts.transport import parse_target
from tests.foreign_gateway import ForeignGateway
from tests.plain_v1_gateway import running
from tests.plugin.plugin_process import Project, finish, verdicts

LEGAL: dict[str, dict[str, Any]] = {"plain": {"plain": True}, "part_2": {}, "odd": {"odd": True}}
SLOW: dict[str, Any] = {"delay_s": (0.3, 0.6)}
HEALTHY = """
@pytest.mark.baseline
@pytest.mark.load(sessions=6, cps=20, duration_s=5, corpus="mixed")
def test_clean(wdtts_run):
    pass


@pytest.mark.mixed
@pytest.mark.load(sessions=10, cps=20, duration_s=5, corpus="mixed", channels=2)
@pytest.mark.disconnect(percent=0.7, reconnect_delay_s=0.5)
@pytest.mark.cancel(percent=0.2)
@pytest.mark.slow_reader(percent=0.1, pause_s=1)
def test_cut(wdtts_run):
    pass
"""
# By the test that shows it, by the number of the session: the defect, and the rows that name it.
WRONG: dict[str, dict[int, tuple[str, dict[str, str]]]] = {
    "test_plain": {
        1: ("tail_lost", {"missing_units": "missing", "sent_equals_received": "sent"}),
        2: ("counts_utf16", {"mismatched_units": "unexpected"}),
        3: ("text_normalised", {"mismatched_units": "mismatched"}),
        4: ("header_in_chunk", {"audio_integrity": "WAV_HEADER"}),
        5: ("odd_bytes", {"audio_integrity": "ODD_LENGTH"}),
        6: ("silent", {"audio_integrity": "SILENT"}),
        7: ("seq_gap", {"unit_order": "chunk_seq 2 after 0"}),
        8: ("end_missing", {"session_end": "no tts_end", "session_errors": "closed with 1000"}),
        9: ("end_early", {"session_end": "after the end"}),
    },
    "test_cut": {
        1: ("resume_repeats", {"resume_exactly_once": "doubled", "duplicate_units": "duplicate"}),
        2: ("resume_skips", {"resume_exactly_once": "lost", "missing_units": "missing"}),
    },
    "test_cancelled": {
        1: ("audio_after_cancel", {"cancel_respected": "after cancel"}),
        2: ("cancel_denied", {"cancel_respected": "cancelled: false"}),
    },
}
DEFECTIVE = """
@pytest.mark.load(sessions=10, cps=20, duration_s=4, corpus="mixed", probe_interval_s=0)
def test_plain(wdtts_run):
    pass


@pytest.mark.load(sessions=3, cps=20, duration_s=4, probe_interval_s=0)
@pytest.mark.disconnect(percent=1.0, reconnect_delay_s=0.5, how="within_frame", moment="mid_stream")
def test_cut(wdtts_run):
    pass


@pytest.mark.load(sessions=3, cps=20, duration_s=4, probe_interval_s=0)
@pytest.mark.cancel(percent=1.0, moment="mid_stream")
def test_cancelled(wdtts_run):
    pass
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, Project]]]:
    """By gateway and test, what pytest said and its project."""
    folder = tmp_path_factory.mktemp("foreign")
    asked = {name: (HEALTHY, "", ForeignGateway(**legal, **SLOW)) for name, legal in LEGAL.items()}
    for test, wrong in WRONG.items():
        defects = {number: defect for number, (defect, _) in wrong.items()}
        asked[test] = (DEFECTIVE, test, ForeignGateway(defects=defects))
    with ExitStack() as stack:
        started = {}
        for name, (text, test, gateway) in asked.items():
            (folder / name).mkdir()
            project = Project(folder / name, test=text)
            url = stack.enter_context(running(gateway))
            started[name] = project, project.start("--wdtts-url", url, "-k", test)
        yield {name: (finish(process)[1], project) for name, (project, process) in started.items()}


@pytest.mark.parametrize("name", LEGAL)
@pytest.mark.parametrize("scenario", ["baseline", "mixed"])
def test_a_legal_gateway_is_blamed_for_nothing(runs: dict[str, tuple[str, Project]], name: str, scenario: str) -> None:
    said, project = runs[name]
    report = project.report(scenario)
    if verdicts(report)["run_valid"] == "invalid":
        pytest.skip(f"this machine is too busy for so many runs at once: {report['rows'][0]['observed']}")
    assert not [row for row in report["rows"] if row["verdict"] not in ("pass", "not_assessable")], said
    assert report["summary"]["unexplained_missing_units"] == 0
    if scenario == "mixed":
        assert report["summary"]["resumes"] == 7
        assert verdicts(report)["resume_exactly_once"] == verdicts(report)["cancel_respected"] == "pass"


@pytest.mark.parametrize(
    ("test", "number"), [(test, number) for test, wrong in WRONG.items() for number in (0, *wrong)]
)
def test_a_defect_is_found_by_its_rows_in_its_session(
    runs: dict[str, tuple[str, Project]], test: str, number: int
) -> None:
    """Session 0 has none: no row may name it. A run that was no evidence tells what it saw all the same."""
    defect, expected = WRONG[test].get(number, ("", {}))
    rows = {row["id"]: row for row in runs[test][1].report(test)["rows"]}
    told = {
        row_id: " ".join(piece["what"] for piece in row["evidence"] if re.search(rf"-0*{number}r?$", piece["session"]))
        for row_id, row in rows.items()
    }
    for row_id, words in expected.items():
        assert words in told[row_id], (defect, rows[row_id])
    if not defect:
        assert not any(told.values())


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_gateway_fails_no_case_of_the_catalogue(name: str) -> None:
    with running(ForeignGateway(**LEGAL[name])) as url:
        findings = asyncio.run(carry_out(CATALOGUE, parse_target(url), "foreign"))
    assert [f"{one.id}: {one.seen}" for one in findings if not one.passed and not one.skipped] == []
    assert sum(one.passed for one in findings) > 0.9 * len(CATALOGUE)
