"""A live stack with one thing broken at a time: the doctor names it, and nothing else that is well."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_wdtts.cli import main
from pytest_wdtts.doctor import Finding, Scene, Severity, examine
from tests.services import gateway, orchestrator, stub_llm, web

KEY = "sglang-test-key"
NOBODY = "127.0.0.1:9"


@dataclass(frozen=True)
class Addresses:
    llm: str
    tts: str
    chat: str
    web: str


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("SGLANG_", "WS_TTS_", "ORCHESTRATOR_", "HF_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def healthy() -> Iterator[Addresses]:
    with ExitStack() as stack:
        tts = stack.enter_context(gateway())
        llm = stack.enter_context(stub_llm(SGLANG_API_KEY=KEY, SGLANG_ALLOW_AUTO_TRUNCATE="1"))
        chat = stack.enter_context(orchestrator(llm.http, tts.url, SGLANG_API_KEY=KEY))
        page = stack.enter_context(web(llm.http, tts.url, f"{chat.ws}/chat"))
        yield Addresses(llm.http, tts.url, f"{chat.ws}/chat", page.http)


def look(
    at: Addresses, tmp_path: Path, only: tuple[str, ...] = (), limit_s: float = 10.0, **settings: str
) -> list[Finding]:
    env = tmp_path / ".env"
    lines = {"SGLANG_API_KEY": KEY, "SGLANG_MODEL": "stub-llm", "WS_TTS_ENGINE": "dummy"} | settings
    env.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")
    origin = at.chat.replace("ws://", "http://").removesuffix("/chat")
    scene = Scene(at.llm, at.tts, at.chat, origin, at.web, env, use_docker=False, limit_s=limit_s)
    return list(examine(scene, only))


def test_a_healthy_stack_is_well(healthy: Addresses, tmp_path: Path) -> None:
    found = look(healthy, tmp_path)
    assert {one.severity for one in found} == {Severity.OK}, found
    assert len(found) >= 9


Start = Callable[[], AbstractContextManager[str]]


@contextmanager
def pages(*answers: tuple[int, str]) -> Iterator[str]:
    """A server that knows one answer for every page: the wrong one. Yields its authority."""
    status, body = answers[0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def llm(**settings: str) -> Iterator[str]:
    with stub_llm(**({"SGLANG_API_KEY": KEY, "SGLANG_ALLOW_AUTO_TRUNCATE": "1"} | settings)) as service:
        yield service.http


@contextmanager
def wrong_page(scheme: str, path: str, status: int, body: str = "{}") -> Iterator[str]:
    with pages((status, body)) as authority:
        yield f"{scheme}://{authority}{path}"


@contextmanager
def tts(**settings: str) -> Iterator[str]:
    with gateway(**settings) as service:
        yield service.url


@contextmanager
def chat(llm_url: str, tts_url: str, **settings: str) -> Iterator[str]:
    with orchestrator(llm_url, tts_url, **({"SGLANG_API_KEY": KEY} | settings)) as service:
        yield f"{service.ws}/chat"


@contextmanager
def here(url: str) -> Iterator[str]:
    yield url


FELL_BACK = json.dumps({"status": "ok", "engine": "piper", "engine_resolved": "dummy"})
DRAINING = json.dumps({"status": "draining"})
NO_MODELS = json.dumps({"object": "list", "data": []})

# (what is broken, which address, how, the look that names it, the words that prove it)
BROKEN: list[tuple[str, str, Callable[[Addresses], AbstractContextManager[str]], str, str]] = [
    ("llm gone", "llm", lambda at: here(f"http://{NOBODY}"), "llm_health", "refused"),
    ("llm loading", "llm", lambda at: llm(STUB_LLM_START_S="600"), "llm_health", "still starts"),
    ("llm health 500", "llm", lambda at: wrong_page("http", "", 500), "llm_health", "answers 500"),
    ("llm other key", "llm", lambda at: llm(SGLANG_API_KEY="another"), "llm_models", "is not the key"),
    ("llm other model", "llm", lambda at: llm(SGLANG_MODEL="old"), "llm_models", "serves old"),
    ("llm no model", "llm", lambda at: wrong_page("http", "", 200, NO_MODELS), "llm_models", "names no model"),
    ("llm asks no key", "llm", lambda at: llm(SGLANG_API_KEY=""), "llm_models", "not asked for"),
    ("llm answers 500", "llm", lambda at: llm(STUB_LLM_DEFECT="http_500"), "llm_answer", "with 500"),
    ("llm says nothing", "llm", lambda at: llm(STUB_LLM_DEFECT="empty"), "llm_answer", "with nothing"),
    ("llm garbled", "llm", lambda at: llm(STUB_LLM_DEFECT="garble"), "llm_answer", "garble score"),
    ("prompt too long", "llm", lambda at: llm(SGLANG_ALLOW_AUTO_TRUNCATE=""), "llm_long_prompt", "with 400"),
    ("gateway gone", "tts", lambda at: here(f"ws://{NOBODY}/tts"), "gateway_health", "refused"),
    ("gateway draining", "tts", lambda at: wrong_page("ws", "/tts", 503, DRAINING), "gateway_health", "draining"),
    ("engine fell back", "tts", lambda at: wrong_page("ws", "/tts", 200, FELL_BACK), "gateway_health", "fell back"),
    ("other engine", "tts", lambda at: tts(WS_TTS_ENGINE="espeak"), "gateway_health", "has 'espeak'"),
    ("gateway other key", "tts", lambda at: tts(WS_TTS_API_KEY="other"), "gateway_utterance", "401"),
    ("gateway wrong path", "tts", lambda at: here(at.tts.replace("/tts", "/nope")), "gateway_utterance", "404"),
    ("no WebSocket", "tts", lambda at: wrong_page("ws", "/tts", 200), "gateway_utterance", "handshake fails"),
    ("chat gone", "chat", lambda at: here(f"ws://{NOBODY}/chat"), "orchestrator_health", "refused"),
    (
        "chat other model",
        "chat",
        lambda at: chat(at.llm, at.tts, SGLANG_MODEL="old"),
        "orchestrator_health",
        "model old",
    ),
    ("chat without llm", "chat", lambda at: chat(f"http://{NOBODY}", at.tts), "orchestrator_chat", "llm_unreachable"),
    ("chat without tts", "chat", lambda at: chat(at.llm, f"ws://{NOBODY}/tts"), "orchestrator_chat", "tts_unreachable"),
    (
        "chat wrong llm key",
        "chat",
        lambda at: chat(at.llm, at.tts, SGLANG_API_KEY="x"),
        "orchestrator_chat",
        "llm_unauth",
    ),
    ("chat other key", "chat", lambda at: chat(at.llm, at.tts, ORCHESTRATOR_API_KEY="x"), "orchestrator_chat", "401"),
    ("page gone", "web", lambda at: here(f"http://{NOBODY}"), "web_page", "refused"),
    ("page 500", "web", lambda at: wrong_page("http", "", 500), "web_page", "answers 500"),
]


@pytest.mark.parametrize(("name", "part", "broken", "check", "words"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_broken_thing_is_named(
    healthy: Addresses,
    tmp_path: Path,
    name: str,
    part: str,
    broken: Callable[[Addresses], AbstractContextManager[str]],
    check: str,
    words: str,
) -> None:
    with broken(healthy) as url:
        found = look(replace(healthy, **{part: url}), tmp_path)
    bad = [one for one in found if one.severity in (Severity.BROKEN, Severity.WARNING)]
    named = [one for one in bad if one.check == check and words in one.said]
    assert named, found
    assert named[0].next or named[0].evidence
    # Services that do not lean on the broken one are well.
    family = {"llm": "llm", "tts": "gateway", "chat": "orchestrator", "web": "web"}[part]
    assert all(one.check.startswith(family) for one in bad), bad


def test_an_engine_under_a_more_exact_name_has_not_fallen_back(healthy: Addresses, tmp_path: Path) -> None:
    health = json.dumps({"status": "ok", "engine": "dummy", "engine_resolved": "dummy@cuda:0"})
    with wrong_page("ws", "/tts", 200, health) as url:
        (found,) = look(replace(healthy, tts=url), tmp_path, ("gateway_health",))
    assert (found.severity, found.said) == (Severity.OK, "healthy, engine dummy@cuda:0")


def test_a_page_whose_proxy_leads_nowhere(healthy: Addresses, tmp_path: Path) -> None:
    with web(f"http://{NOBODY}", healthy.tts, healthy.chat) as page:
        (found,) = look(replace(healthy, web=page.http), tmp_path, ("web_page",))
    assert "leads to nobody (502)" in found.said


def test_a_gateway_that_falls_silent_is_named_within_the_limit(healthy: Addresses, tmp_path: Path) -> None:
    with stub_llm(STUB_LLM_DEFECT="silence", SGLANG_API_KEY=KEY) as silent, chat(silent.http, healthy.tts) as url:
        (found,) = look(replace(healthy, chat=url), tmp_path, ("orchestrator_chat",), limit_s=1.0)
    assert found.severity is Severity.BROKEN
    assert "does not end in time" in found.said


def test_two_models_are_compared_with_a_score_each(healthy: Addresses, tmp_path: Path) -> None:
    with llm(STUB_LLM_DEFECT="garble") as other:
        env = tmp_path / ".env"
        env.write_text(f"SGLANG_API_KEY={KEY}\nSGLANG_MODEL=stub-llm\n", encoding="utf-8")
        scene = Scene(healthy.llm, "", "", "", "", env, use_docker=False, ab_url=other, ab_model="gguf")
        first, second = examine(scene, ["llm_compared"])
    assert (first.severity, second.severity) == (Severity.OK, Severity.BROKEN)
    assert second.subject == "B: gguf"
    assert any("1111" in line for line in second.evidence)


def test_a_look_that_crashes_spoils_no_other(tmp_path: Path) -> None:
    nowhere = Scene("no url", "no url", "no url", "no url", "no url", tmp_path / "x", use_docker=False, limit_s=1.0)
    found = list(examine(nowhere))
    assert {one.check for one in found} >= {"settings", "llm_health", "gateway_utterance", "web_page"}
    assert all(one.severity is not Severity.OK for one in found)


def test_the_command_prints_json_hides_secrets_and_exits_by_severity(
    healthy: Addresses, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = tmp_path / ".env"
    env.write_text("SGLANG_API_KEY=wrong-secret-key\nSGLANG_MODEL=stub-llm\n", encoding="utf-8")
    asked = ["doctor", "--no-docker", "--env-file", str(env), "--llm-url", healthy.llm, "--only", "llm_models"]
    assert main([*asked, "--json"]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["findings"][0]["severity"] == "broken"
    assert main(asked) == 1
    text = capsys.readouterr().out
    assert text.startswith("BROKEN   llm_models:")
    assert "wrong-secret-key" not in text + json.dumps(body)


def test_the_command_reads_a_log_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "sglang.log"
    log.write_text("server_args=x\nRuntimeError: Not enough memory. token hf_ABCDEFGHIJKL\n", encoding="utf-8")
    assert main(["doctor", "--no-docker", "--log", str(log), "--only", "startup"]) == 1
    said = capsys.readouterr().out
    assert "SGLANG_MEM_FRACTION_STATIC=0.95" in said
    assert "hf_ABCDEFGHIJKL" not in said


def test_an_unknown_look_is_refused_with_the_valid_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--only", "nonsense"]) == 4
    assert "llm_health" in capsys.readouterr().err
