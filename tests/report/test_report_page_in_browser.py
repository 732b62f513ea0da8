"""The HTML report in a real headless Chromium: it draws, switches language and theme, zooms by keyboard, prints.

Screenshots of every kind of run stay in `artefacts/`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_wdtts.report import Report
from pytest_wdtts.report.compare import compare, write_comparison
from pytest_wdtts.report.html import write_html
from pytest_wdtts.verdict import Verdict
from tests.builders import faulty_run
from tests.chinese_words import NAMES, WORD
from tests.made_up_run import WRONGS, made_up_report, reported

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("WDTTS_CHROMIUM") or shutil.which("chromium")
ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
LIMIT_MS = 30_000
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: run ci/install_browser")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def opened(browser: "Browser", path: Path, fragment: str = "") -> "Page":
    page = browser.new_page(viewport={"width": 1200, "height": 900}, locale="en-US")
    page.set_default_timeout(LIMIT_MS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(f"{path.as_uri()}#{fragment}")
    assert faults == [], "a script failed, or the page asked the network for something"
    return page


def drawn(page: "Page") -> dict[str, int]:
    """Series of each chart on the page."""
    counts: dict[str, int] = page.evaluate(
        "Object.fromEntries(Object.entries(charts).map(([id, chart]) => [id, chart.getOption().series.length]))"
    )
    return counts


REPORTS: "dict[str, Callable[[], Report]]" = {
    "green": made_up_report,
    **{wrong: partial(made_up_report, wrong) for wrong in WRONGS},
    "heavy": lambda: reported(faulty_run("heavy")),
}


def pictured(page: "Page", name: str) -> None:
    """Keep a picture of the whole page for people to look at."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name.replace(' ', '-')}.png", full_page=True)


@pytest.mark.parametrize("kind", REPORTS)
def test_every_kind_of_run_draws_in_both_languages_and_themes(browser: "Browser", tmp_path: Path, kind: str) -> None:
    path = write_html(REPORTS[kind](), tmp_path / "baseline.html")
    for language, theme in (("en", "light"), ("zh", "dark")):
        page = opened(browser, path, f"lang={language}&theme={theme}")
        series = drawn(page)
        assert series["lanes"] >= 1
        assert ("unit_latency_ms" in series) is (kind != "no audio")
        assert ("errors" in series) is (kind in ("errors", "heavy"))
        hidden = page.locator(".zh" if language == "en" else ".en")
        assert hidden.first.is_visible() is False
        pictured(page, f"report-{kind}-{language}-{theme}")
        page.close()


SPOKEN = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const said = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const box = node.parentElement;
        const named = box.closest("code, pre, script, footer, h1, .facts th, button");
        if (box.checkVisibility() && !named) said.push(node.data);
    }
    return said.join("\\n");
}"""


@pytest.mark.parametrize("kind", REPORTS)
def test_the_chinese_page_is_chinese_throughout(browser: "Browser", tmp_path: Path, kind: str) -> None:
    report = REPORTS[kind]()
    page = opened(browser, write_html(report, tmp_path / "r.html"), "lang=zh")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    said = page.evaluate(SPOKEN)
    for own in {detail for lane in report.lanes for _, kind, detail in lane.events if kind == "error"}:
        said = said.replace(own, "")  # What a gateway says is in its own language.
    names = NAMES | {row.id for row in report.rows} | {report.config["stack"], "utc", "ws", "tts", "p99", "max"}
    assert {word for word in WORD.findall(said) if word.lower() not in names} == set()
    page.close()


def test_one_look_tells_what_when_and_for_whom(browser: "Browser", tmp_path: Path) -> None:
    report = made_up_report("lost")
    page = opened(browser, write_html(report, tmp_path / "r.html"))
    broken = [row for row in report.rows if row.verdict is Verdict.FAIL]
    cards = page.locator("article.broken")
    assert cards.count() == len(broken)
    for place, row in enumerate(broken):
        text = cards.nth(place).inner_text()
        assert row.id in text
        assert f"{row.when_s[0]}–{row.when_s[-1] + 1} s" in text
        assert f"{row.sessions} sessions" in text
        assert cards.nth(place).locator(".strip .tick").count() == len(row.when_s)
        box = cards.nth(place).bounding_box()
        assert box
        assert box["y"] + box["height"] < 900, "what broke has to stand on the first screen"
    page.close()


def test_buttons_switch_language_and_theme(browser: "Browser", tmp_path: Path) -> None:
    page = opened(browser, write_html(made_up_report(), tmp_path / "r.html"))
    assert page.get_by_text("Checklist").is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_by_text("驗收清單").is_visible()
    assert not page.get_by_text("Checklist").is_visible()
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.close()


def test_keys_zoom_all_charts_over_time(browser: "Browser", tmp_path: Path) -> None:
    page = opened(browser, write_html(made_up_report(), tmp_path / "r.html"))
    span = "id => { const { start, end } = charts[id].getOption().dataZoom[0]; return [start, end]; }"
    page.focus("#unit_latency_ms")
    page.keyboard.press("+")
    for chart in ("unit_latency_ms", "service_time_ms", "lanes"):
        assert page.evaluate(span, chart) == [10, 90]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(span, "cpu") == [20, 100]
    page.keyboard.press("0")
    assert page.evaluate(span, "rss") == [0, 100]
    page.close()


def test_it_prints_light_whatever_is_on_the_screen(browser: "Browser", tmp_path: Path) -> None:
    page = opened(browser, write_html(made_up_report("lost"), tmp_path / "r.html"), "theme=dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.evaluate("document.querySelectorAll('details.evidence:not([open])').length") == 0
    assert page.evaluate("Math.max(...Object.values(charts).map((chart) => chart.getWidth()))") <= 718
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    ARTEFACTS.mkdir(exist_ok=True)
    page.pdf(path=ARTEFACTS / "report-print.pdf", format="A4", print_background=False)
    page.close()


def test_a_narrow_screen_does_not_scroll_sideways(browser: "Browser", tmp_path: Path) -> None:
    page = opened(browser, write_html(made_up_report("errors"), tmp_path / "r.html"))
    page.set_viewport_size({"width": 390, "height": 800})
    # The charts are drawn anew when the page has heard of its new width.
    page.wait_for_function("document.documentElement.scrollWidth <= 390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    pictured(page, "report-errors-narrow")
    page.close()


def test_a_comparison_draws_both_runs(browser: "Browser", tmp_path: Path) -> None:
    path = write_comparison(compare(made_up_report(), made_up_report("slower")), tmp_path / "c.html")
    page = opened(browser, path, "lang=zh&theme=dark")
    timed = dict.fromkeys(("service_time_ms", "ttfa_ms", "unit_latency_ms", "lateness"), 2)
    assert drawn(page) == {"percentiles": 6, **timed}
    pictured(page, "compare-zh-dark")
    page.close()
