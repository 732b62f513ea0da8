"""The page of a diagnosis in a real headless Chromium: every chart draws, in both languages and themes."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from pytest_wdtts.attribution import DEFAULT_OBJECTIVE, Cause, diagnose, read_objective, split_latency
from pytest_wdtts.attribution.split import Split
from pytest_wdtts.report.diagnosis import build_diagnosis, write_diagnosis
from pytest_wdtts.verdict.case import Case
from tests.builders import healthy_run
from tests.made_up_steps import healthy_steps, percentiles, seen_of
from tests.report.test_report_page_in_browser import ARTEFACTS, CHROMIUM, browser, drawn, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: run ci/install_browser")
SLOW = {"service_time_ms": percentiles(900, 4000), "ttfa_ms": percentiles(700, 3000)}


def split() -> Split:
    found = split_latency(Case(healthy_run()))
    assert found is not None
    return found


@pytest.mark.parametrize(("cause", "top"), [(Cause.NONE, {}), (Cause.SATURATED, SLOW)])
def test_every_chart_draws_in_both_languages_and_themes(
    browser: "Browser", tmp_path: Path, cause: Cause, top: dict[str, object]
) -> None:
    steps = [
        replace(one, split=split(), figures=one.figures | (top if one.step.sessions == 50 else {}))
        for one in healthy_steps()
    ]
    seen, objective = seen_of(steps), read_objective(DEFAULT_OBJECTIVE)
    report = build_diagnosis(
        diagnose(seen, objective),
        seen,
        objective,
        stopped="",
        took_s=42.0,
        url="ws://127.0.0.1:9/tts",
        stack="external",
        seed=1,
        gateway={},
        environment={},
    )
    assert report.cause is cause
    path = write_diagnosis(report, tmp_path)[1]
    ARTEFACTS.mkdir(exist_ok=True)
    for language, theme in (("en", "light"), ("zh", "dark")):
        page = opened(browser, path, f"lang={language}&theme={theme}")
        assert drawn(page) == {"ladder": 8, "in_order": 3, "step_split": 3, "memory": 1}
        assert page.get_by_text(report.title[language], exact=True).first.is_visible()  # type: ignore[index]
        page.screenshot(path=ARTEFACTS / f"diagnosis-{cause.value}-{language}-{theme}.png", full_page=True)
        page.close()
