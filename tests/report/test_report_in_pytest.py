"""What a pytest session makes of a run: summary, evidence, JUnit, Allure, comparison and exit code."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_wdtts.report.allure import CATEGORIES, FEATURES, SEVERITIES, write_allure_files
from pytest_wdtts.verdict import row_ids
from tests.made_up_run import made_up_report
from tests.made_up_suite import made_up_suite, run

pytest_plugins = ["pytester"]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    return made_up_suite(pytester, monkeypatch)


def test_plain_summary_has_no_colour_codes_and_verbose_has_evidence(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADE_UP", "lost")
    brief = run(suite, "--tb=no")
    assert brief.ret == pytest.ExitCode.TESTS_FAILED
    text = brief.stdout.str()
    assert "\x1b[" not in text
    assert "baseline: FAIL" in text
    assert "8 missing: units" not in text.partition("= wdtts =")[2].partition("short test summary")[0]
    coloured = run(suite, "--tb=no", "-v", "--color=yes").stdout.str()
    assert "\x1b[31m\x1b[1mbaseline: FAIL" in coloured or "\x1b[1m\x1b[31mbaseline: FAIL" in coloured
    assert re.search(r"wdtts-r-00000: +\d+ missing: units", coloured)


def test_junit_has_the_properties(suite: pytest.Pytester) -> None:
    assert run(suite, "--junitxml=junit.xml").ret == pytest.ExitCode.OK
    cases = list(ElementTree.parse(suite.path / "junit.xml").iter("testcase"))
    assert len(cases) == len(row_ids("baseline"))
    for case in cases:
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        assert properties["wdtts.row"] == str(case.get("name")).removeprefix("test_")
        assert properties["wdtts.verdict"] == "pass"


def results(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in directory.glob("*-result.json")]


def test_allure_has_steps_labels_attachments_and_a_stable_history(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("allure_pytest")
    green = run(suite, "--alluredir=green")
    assert green.ret == pytest.ExitCode.OK
    monkeypatch.setenv("MADE_UP", "lost")
    run(suite, "--alluredir=red")
    before, after = results(suite.path / "green"), results(suite.path / "red")
    assert {r["historyId"] for r in before} == {r["historyId"] for r in after}
    assert len({r["historyId"] for r in before}) == len(row_ids("baseline"))
    missing = next(r for r in after if "missing_units" in r["name"])
    labels = {(label["name"], label["value"]) for label in missing["labels"]}
    assert {("epic", "wdtts baseline"), ("feature", "accounting"), ("severity", "blocker")} <= labels
    judged = next(step for step in missing["steps"] if step["name"].startswith("judge"))
    assert (missing["status"], judged["status"], judged["steps"][0]["status"]) == ("failed",) * 3
    assert {a["name"] for a in missing["attachments"]} == {"baseline.html", "baseline.json", "baseline.hlog"}
    assert {p["name"] for p in missing["parameters"]} >= {"scenario", "sessions", "cps", "seed", "gateway"}
    for name in ("environment.properties", "categories.json", "executor.json"):
        assert (suite.path / "red" / name).exists()


def test_comparison_turns_a_green_session_red(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(suite, "--wdtts-save=main").ret == pytest.ExitCode.OK
    assert (suite.path / ".wdtts/main/baseline.json").exists()
    same = run(suite, "--wdtts-compare=main", "--wdtts-compare-fail=service_time_ms.p99>1.2x")
    assert same.ret == pytest.ExitCode.OK
    assert "no difference shown" in same.stdout.str()
    monkeypatch.setenv("MADE_UP", "slower")
    red = run(suite, "-k", "missing", "--wdtts-compare=main", "--wdtts-compare-fail=service_time_ms.p99>1.2x")
    red.assert_outcomes(passed=1, deselected=len(row_ids("baseline")) - 1)
    assert red.ret == pytest.ExitCode.TESTS_FAILED
    assert "FAIL service_time_ms.p99>1.2x" in red.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--wdtts-compare=x", "--wdtts-compare-fail=fast"], "--wdtts-compare-fail: 'fast' is no condition"),
        (["--wdtts-compare-fail=service_time_ms.p99>2x"], "add --wdtts-compare NAME|FILE"),
    ],
)
def test_wrong_usage_is_said_before_anything_runs(suite: pytest.Pytester, arguments: list[str], words: str) -> None:
    refused = run(suite, *arguments)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert words in refused.stdout.str() + refused.stderr.str()


def test_what_was_not_written_is_in_the_summary_and_the_verdict_stands(suite: pytest.Pytester) -> None:
    (suite.path / "reports" / "baseline.html").mkdir(parents=True)
    done = run(suite)
    assert done.ret == pytest.ExitCode.OK
    done.stdout.fnmatch_lines(["*not written: html: *baseline.html cannot be written (Is a directory)*"])


@pytest.mark.parametrize("scenario", ["baseline", "mixed", "heavy"])
def test_every_row_has_a_feature_and_a_severity(scenario: str) -> None:
    for groups in (FEATURES, SEVERITIES):
        known = [row_id for ids in groups.values() for row_id in ids]
        assert set(row_ids(scenario)) <= set(known)
        assert len(known) == len(set(known))


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("Failed: missing_units: fail (the gateway fails)\n  observed", "gateway defect"),
        ("Failed: isolation_latency: fail (the gateway fails)\n", "isolation"),
        ("Failed: ttfa_p99_stable: fail (the gateway fails)\n", "statistical"),
        ("Failed: ttfa_p99_stable: invalid (the run is no evidence)\n", "invalid run"),
        ("Skipped: not assessable: no session resumed", "not assessable"),
    ],
)
def test_categories_take_each_kind_of_outcome(message: str, category: str) -> None:
    first = next(c["name"] for c in CATEGORIES if re.fullmatch(str(c["messageRegex"]), message))
    assert first == category


def test_executor_names_the_workflow_run(tmp_path: Path) -> None:
    environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://forge",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_RUN_ID": "7",
        "GITHUB_RUN_NUMBER": "42",
    }
    write_allure_files(tmp_path, [made_up_report()], environment)
    executor = json.loads((tmp_path / "executor.json").read_text())
    assert (executor["buildOrder"], executor["buildUrl"]) == (42, "https://forge/a/b/actions/runs/7")
