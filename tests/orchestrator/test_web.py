"""The web page in a real headless Chromium: it plays, shows, cancels, and says what went wrong."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.services import Service, gateway, orchestrator, stub_llm, web

if TYPE_CHECKING:
    from playwright.sync_api import Page

LIMIT_MS = 30_000
CHROMIUM = os.environ.get("WDTTS_CHROMIUM") or shutil.which("chromium")
ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: run ci/install_browser")


@pytest.fixture(scope="module")
def whole() -> Iterator[Service]:
    """All four services; the page is one origin for them."""
    with ExitStack() as stack:
        tts = stack.enter_context(gateway())
        llm = stack.enter_context(stub_llm(SGLANG_API_KEY="k", STUB_LLM_TOKENS_PER_S="30", MAX_MODEL_LEN="100"))
        chat = stack.enter_context(orchestrator(llm.http, tts.url, SGLANG_API_KEY="k"))
        yield stack.enter_context(web(llm.http, tts.url, f"{chat.ws}/chat"))


@contextmanager
def browsing(url: str, bypass_csp: bool) -> "Iterator[Page]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--autoplay-policy=no-user-gesture-required", "--no-sandbox"]
        )
        try:
            one = browser.new_page(viewport={"width": 900, "height": 960}, bypass_csp=bypass_csp)
            one.set_default_timeout(LIMIT_MS)
            one.goto(url)
            yield one
        finally:
            browser.close()


@pytest.fixture
def page(whole: Service) -> "Iterator[Page]":
    # To wait for a condition, the driver evaluates strings, which the page's own policy forbids.
    with browsing(whole.http, bypass_csp=True) as one:
        yield one


def artefact(name: str) -> Path:
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS / name


def state_becomes(page: "Page", state: str) -> None:
    page.wait_for_function("state => document.getElementById('state').textContent === state", arg=state)


@needs_chromium
def test_the_page_shows_text_as_it_streams_and_plays_it(page: "Page") -> None:
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.click("#speak")
    # Six tones of 4000/32768 each: what sounds can be no louder than their sum, and far from silence.
    page.wait_for_function("player && player.peak > 0.2")
    early = page.inner_text("#text")
    assert page.evaluate("player.peak") <= 6 * 4000 / 32768 + 0.01
    page.wait_for_function("player.unitNow >= 2")
    state_becomes(page, "完成")
    text = page.inner_text("#text")
    assert len(early) < len(text)
    assert text.startswith(early)
    rows = page.locator("#chunks tr").all_inner_texts()
    assert "".join(row.split("\t")[2] for row in rows) == text
    assert rows[0].split("\t")[1].startswith("0–")
    assert page.inner_text("#ttfa").endswith(" ms")
    # 40 ms a unit, to the tenth of a second that is shown.
    assert float(page.inner_text("#seconds").removesuffix(" s")) == pytest.approx(0.04 * len(text), abs=0.06)
    page.screenshot(path=artefact("web-page.png"))
    page.wait_for_function("!player.playing && player.peak === 0")
    assert troubles == []


@needs_chromium
def test_the_page_keeps_its_own_content_security_policy(whole: Service) -> None:
    troubles: list[str] = []
    with browsing(whole.http, bypass_csp=False) as page:
        page.on("console", lambda message: troubles.append(message.text))
        page.click("#speak")
        page.get_by_text("完成", exact=True).wait_for()
        assert page.locator("#chunks tr").count() > 1
    assert troubles == []


@needs_chromium
def test_cancel_stops_text_and_sound(page: "Page") -> None:
    page.click("#speak")
    page.wait_for_function("player && player.peak > 0.2")
    page.click("#cancel")
    state_becomes(page, "已取消")
    page.wait_for_function("!player.playing && player.peak === 0")
    assert page.is_disabled("#cancel")
    assert page.is_hidden("#error")


@needs_chromium
def test_what_came_whole_and_still_sounds_can_be_stopped(page: "Page") -> None:
    page.check("[value=tts]")
    page.fill("#prompt", "很長的一段話" * 20)
    page.click("#speak")
    state_becomes(page, "完成")
    page.wait_for_function("player.peak > 0.2")
    page.click("#cancel")
    state_becomes(page, "已停止")
    page.wait_for_function("!player.playing && player.peak === 0")
    assert page.is_disabled("#cancel")


@needs_chromium
def test_reading_aloud_goes_straight_to_the_gateway(page: "Page") -> None:
    page.check("[value=tts]")
    page.fill("#prompt", "你好，世界。")
    page.click("#speak")
    page.wait_for_function("player && player.peak > 0.2")
    state_becomes(page, "完成")
    assert page.inner_text("#text") == "你好，世界。"
    assert page.locator("#chunks tr").count() == 2


@needs_chromium
def test_a_prompt_too_long_is_an_error_to_read_not_a_short_answer(page: "Page") -> None:
    page.fill("#prompt", "長" * 200)
    page.click("#speak")
    state_becomes(page, "錯誤")
    words = page.inner_text("#error")
    assert "llm_bad_request" in words
    assert "longer than the model's context length" in words
    page.screenshot(path=artefact("web-page-error.png"))


@needs_chromium
def test_a_hostile_prompt_is_text(page: "Page") -> None:
    page.check("[value=tts]")
    page.fill("#prompt", "<img src=x onerror=alert(1)>。")
    page.click("#speak")
    state_becomes(page, "完成")
    assert page.inner_text("#text") == "<img src=x onerror=alert(1)>。"
    assert page.locator("#text img").count() == 0


def test_the_llms_api_is_reached_through_the_page_with_the_callers_own_key(whole: Service) -> None:
    without = httpx.get(f"{whole.http}/api/v1/models", trust_env=False)
    with_key = httpx.get(f"{whole.http}/api/v1/models", headers={"Authorization": "Bearer k"}, trust_env=False)
    assert without.status_code == 401
    assert with_key.json()["data"][0]["id"] == "stub-llm"
    assert httpx.get(f"{whole.http}/api/health", trust_env=False).status_code == 200


def test_a_services_refusal_is_the_pages_refusal() -> None:
    with gateway(WS_TTS_API_KEY="k") as tts, web("http://127.0.0.1:9", tts.url, "ws://127.0.0.1:9/chat") as page:
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{page.ws}/tts", proxy=None)
        assert refused.value.response.status_code == 401
        with pytest.raises(InvalidStatus) as missing:
            connect(f"{page.ws}/chat", proxy=None)
        assert missing.value.response.status_code == 502
        assert httpx.get(f"{page.http}/api/health", trust_env=False).status_code == 502
        with connect(f"{page.ws}/tts?api_key=k", proxy=None) as accepted:
            accepted.send("no JSON")
            assert "bad_request" in str(accepted.recv(timeout=20))
