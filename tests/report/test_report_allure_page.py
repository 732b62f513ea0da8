"""Allure's own page over several runs, rendered by the current Allure and looked at in Chromium."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_wdtts.verdict import row_ids
from tests.made_up_suite import made_up_suite, run
from tests.npm_tools import ROOT, need_npm_tools

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest_plugins = ["pytester"]
CHROMIUM = os.environ.get("WDTTS_CHROMIUM") or shutil.which("chromium")
ARTEFACTS = ROOT / "artefacts"
RUNS = ("", "lost", "late", "slower")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: run ci/install_browser"),
    pytest.mark.skipif(
        shutil.which("npm") is None, reason="no npm on this machine: Allure's generator comes from there"
    ),
]


@pytest.fixture
def pages(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> "Iterator[tuple[Page, Path]]":
    """A browser's page and the report over all runs, each generated after the one before, as CI does it."""
    from playwright.sync_api import sync_playwright

    generator = need_npm_tools() / "node_modules/.bin/allure"
    suite = made_up_suite(pytester, monkeypatch)
    environment = {
        "ALLURE_RESULTS": str(suite.path / "results"),
        "ALLURE_REPORT": str(suite.path / "page"),
        "ALLURE_HISTORY": str(suite.path / "history.jsonl"),
    }
    for wrong in RUNS:
        monkeypatch.setenv("MADE_UP", wrong)
        shutil.rmtree(suite.path / "results", ignore_errors=True)
        run(suite, "--alluredir=results", "--tb=no")
        subprocess.run(
            [generator, "generate", "results", "--config", ROOT / "ci/allurerc.mjs"],
            cwd=suite.path,
            env=os.environ | environment,
            capture_output=True,
            timeout=120,
            check=True,
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1400, "height": 1000}, locale="en-US")
        page.set_default_timeout(30_000)
        yield page, suite.path / "page"
        chromium.close()


def test_rows_history_trend_and_categories(pages: "tuple[Page, Path]") -> None:
    page, report = pages
    ARTEFACTS.mkdir(exist_ok=True)
    page.goto((report / "awesome/index.html").as_uri())
    page.get_by_text("wdtts baseline").wait_for()
    words = page.locator("body").inner_text()
    assert f"Results {len(row_ids('baseline'))}" in words, "a row came twice, or is missing"
    assert re.search(r"Retry\s", words)
    assert re.search(r"executor\s+wdtts", words)
    assert re.search(r"gateway.engine\s+dummy|Show more", words)
    page.screenshot(path=ARTEFACTS / "allure-overview.png")
    page.get_by_text("baseline: service_time_p99_stable").click()
    page.get_by_text("Category: statistical").wait_for()
    words = page.locator("body").inner_text()
    assert re.search(rf"History\s+{len(RUNS) - 1}\b", words)
    assert re.search(r"Attachments\s+3\b", words)
    assert re.search(r"seed\s+1\b", words)
    assert "judge service_time_p99_stable: observed" in words
    page.screenshot(path=ARTEFACTS / "allure-test.png", full_page=True)
    page.goto((report / "dashboard/index.html").as_uri())
    page.get_by_text("Rows over the runs").wait_for()
    page.screenshot(path=ARTEFACTS / "allure-dashboard.png")
