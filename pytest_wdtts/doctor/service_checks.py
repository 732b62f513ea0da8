"""Looks at the services from outside: HTTP pages, WebSocket handshakes, one short utterance, one short chat."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx

from ..protocol import Start, TextDelta, TextEnd, encode
from ..transport import http_origin
from .finding import Finding, Severity
from .garble import GARBLED, SUSPICIOUS, garble
from .scene import Scene
from .talk import Talk, talk

OK, WARNING, BROKEN, UNKNOWN = Severity.OK, Severity.WARNING, Severity.BROKEN, Severity.UNKNOWN
_PROMPT = "請用一句話介紹台北。"
_UTTERANCE = "測試，一二三。"
_LOGS = "docker compose -f ci/compose.yaml logs --tail 100"
_RECREATE = "docker compose -f ci/compose.yaml up -d --force-recreate"
_LONG_PROMPT_FACTOR = 3


def llm_health(scene: Scene) -> Iterator[Finding]:
    """`GET /health` of the LLM."""
    status = scene.get(f"{scene.llm_url}/health").status_code
    if status == 200:
        yield Finding("llm_health", "llm", OK, "GET /health answers 200")
    elif status == 503:
        said = "GET /health answers 503: it still starts, or it is stuck"
        yield Finding("llm_health", "llm", BROKEN, said, (), "wdtts doctor --log FILE, or look at `startup` above")
    else:
        yield Finding(
            "llm_health", "llm", BROKEN, f"GET /health answers {status}", (), f"curl -i {scene.llm_url}/health"
        )


def llm_models(scene: Scene) -> Iterator[Finding]:
    """`GET /v1/models` with the key and without; the model that is served."""
    key, wanted = scene.setting("SGLANG_API_KEY"), scene.setting("SGLANG_MODEL")
    url = f"{scene.llm_url}/v1/models"
    answer = scene.get(url, key)
    if answer.status_code == 401:
        said = "GET /v1/models answers 401: SGLANG_API_KEY is not the key that it was started with"
        yield Finding("llm_models", "llm", BROKEN, said, (_excerpt(answer),), f"{_RECREATE} llm orchestrator")
        return
    served = [str(one.get("id")) for one in _fields(answer).get("data", [])]
    if answer.status_code != 200 or not served:
        said = f"GET /v1/models answers {answer.status_code} and names no model"
        yield Finding("llm_models", "llm", BROKEN, said, (_excerpt(answer),), f"curl -i {url}")
        return
    if wanted and wanted not in served:
        said = f"serves {', '.join(served)}, but SGLANG_MODEL is {wanted}"
        yield Finding("llm_models", "llm", BROKEN, said, (), f"{_RECREATE} llm orchestrator")
    else:
        yield Finding("llm_models", "llm", OK, f"serves {', '.join(served)}")
    if key and scene.get(url).status_code == 200:
        said = "GET /v1/models answers without the key as well: SGLANG_API_KEY is not asked for"
        yield Finding("llm_models", "llm key", WARNING, said, (), f"{_RECREATE} llm")


def llm_answer(scene: Scene) -> Iterator[Finding]:
    """One short answer, and whether it is garbled (guide 5.5)."""
    status, text, words = _complete(scene, scene.llm_url, scene.setting("SGLANG_MODEL"), _PROMPT)
    if status != 200:
        yield Finding(
            "llm_answer",
            "llm",
            BROKEN,
            f"a short prompt is answered with {status}",
            (words,),
            f"{_LOGS} llm",
        )
    elif not text.strip():
        yield Finding("llm_answer", "llm", BROKEN, "a short prompt is answered with nothing", (words,), f"{_LOGS} llm")
    else:
        yield _judge_text("llm_answer", "llm", text)


def llm_compared(scene: Scene) -> Iterator[Finding]:
    """The same prompt to two models or settings, and the score of each: an A/B, where one was asked for."""
    if not (scene.ab_url or scene.ab_model):
        return
    model = scene.setting("SGLANG_MODEL")
    sides = [
        ("A", scene.llm_url, model),
        ("B", scene.ab_url or scene.llm_url, scene.ab_model or model),
    ]
    for side, url, name in sides:
        status, text, words = _complete(scene, url, name, _PROMPT)
        if status != 200 or not text.strip():
            yield Finding("llm_compared", side, BROKEN, f"{name} at {url} answered {status}", (words,))
        else:
            yield _judge_text("llm_compared", f"{side}: {name}", text)


def llm_long_prompt(scene: Scene) -> Iterator[Finding]:
    """Whether a prompt over the context length is a 400, which the page would show as silence (guide 5.4)."""
    models = _fields(scene.get(f"{scene.llm_url}/v1/models", scene.setting("SGLANG_API_KEY"))).get("data") or [{}]
    limit = models[0].get("max_model_len") or 0
    if not limit:
        yield Finding("llm_long_prompt", "llm", UNKNOWN, "GET /v1/models does not say max_model_len")
        return
    status, _, words = _complete(
        scene, scene.llm_url, scene.setting("SGLANG_MODEL"), "長" * limit * _LONG_PROMPT_FACTOR
    )
    if status == 200:
        yield Finding("llm_long_prompt", "llm", OK, f"a prompt over {limit} tokens is cut and answered")
    else:
        said = f"a prompt over {limit} tokens is answered with {status}: the page would show nothing"
        yield Finding(
            "llm_long_prompt",
            "llm",
            WARNING if status == 400 else BROKEN,
            said,
            (words,),
            f"SGLANG_ALLOW_AUTO_TRUNCATE=1, SGLANG_MAX_TOTAL_TOKENS=4096 in ci/.env, then {_RECREATE} llm",
        )


def gateway_health(scene: Scene) -> Iterator[Finding]:
    """`GET /healthz` of the gateway, and whether it speaks with the engine that was asked for."""
    answer = scene.get(f"{http_origin(scene.tts_url)}/healthz")
    health = _fields(answer)
    if answer.status_code != 200 or health.get("status") != "ok":
        said = f"GET /healthz answers {answer.status_code}, status {health.get('status', 'none')!r}"
        yield Finding("gateway_health", "gateway", BROKEN, said, (_excerpt(answer),), f"{_RECREATE} ws_gateway_tts")
        return
    asked, resolved = health.get("engine"), health.get("engine_resolved")
    wanted = scene.setting("WS_TTS_ENGINE")
    if str(asked) not in str(resolved):  # "piper" may speak as "piper@cuda:0".
        said = f"the engine {asked!r} was asked for and {resolved!r} speaks: it fell back in silence"
        yield Finding("gateway_health", "gateway", BROKEN, said, (), f"{_LOGS} ws_gateway_tts")
    elif wanted and wanted != asked:
        said = f"WS_TTS_ENGINE is {wanted!r}, but the running gateway has {asked!r}"
        yield Finding("gateway_health", "gateway", BROKEN, said, (), f"{_RECREATE} ws_gateway_tts")
    else:
        rate = health.get("engine_sample_rate")
        yield Finding("gateway_health", "gateway", OK, f"healthy, engine {resolved}" + (f", {rate} Hz" if rate else ""))


def gateway_utterance(scene: Scene) -> Iterator[Finding]:
    """A handshake with `/tts` and one short utterance, to the last unit."""
    session = f"doctor-{uuid4().hex[:12]}"
    frames = [
        encode(Start(session, "pcm16_wav", 16000, 1)),
        encode(TextDelta(session, 0, _UTTERANCE)),
        encode(TextEnd(session, 1)),
    ]
    said = talk(scene.tts_url, scene.setting("WS_TTS_API_KEY"), frames, ("tts_end", "error"), scene.limit_s)
    yield _spoken("gateway_utterance", "gateway", said, "ws_gateway_tts", "WS_TTS_API_KEY")


def orchestrator_health(scene: Scene) -> Iterator[Finding]:
    """`GET /healthz` of the orchestrator, and whether its model is the one in `.env` (guide 5.4 A)."""
    answer = scene.get(f"{scene.orchestrator_url}/healthz")
    model, wanted = _fields(answer).get("model"), scene.setting("SGLANG_MODEL")
    if answer.status_code != 200:
        said = f"GET /healthz answers {answer.status_code}"
        yield Finding(
            "orchestrator_health", "orchestrator", BROKEN, said, (_excerpt(answer),), f"{_RECREATE} orchestrator"
        )
    elif model and wanted and model != wanted:
        said = f"it still uses the model {model}, while SGLANG_MODEL is {wanted}"
        yield Finding("orchestrator_health", "orchestrator", BROKEN, said, (), f"{_RECREATE} orchestrator")
    else:
        yield Finding("orchestrator_health", "orchestrator", OK, "healthy" + (f", model {model}" if model else ""))


def orchestrator_chat(scene: Scene) -> Iterator[Finding]:
    """A handshake with `/chat` and one short prompt: text and audio have to come back."""
    request = {"prompt": _PROMPT, "session_id": f"doctor-{uuid4().hex[:12]}", "audio_format": "pcm16_wav"}
    frame = httpx.Request("POST", "http://x", json=request | {"sample_rate": 16000, "channels": 1}).content
    last = ("tts_end", "error", "orchestrator_error")
    said = talk(scene.chat_url, scene.setting("ORCHESTRATOR_API_KEY"), [frame], last, scene.limit_s)
    yield _spoken("orchestrator_chat", "orchestrator", said, "orchestrator", "ORCHESTRATOR_API_KEY")


def web_page(scene: Scene) -> Iterator[Finding]:
    """The page, and the way through it to the LLM."""
    page = scene.get(f"{scene.web_url}/")
    if page.status_code != 200:
        yield Finding("web_page", "web", BROKEN, f"GET / answers {page.status_code}", (), f"{_RECREATE} web")
        return
    through = scene.get(f"{scene.web_url}/api/health").status_code
    if through in (502, 504):
        said = f"the page is there, but /api/ leads to nobody ({through})"
        yield Finding("web_page", "web", BROKEN, said, (), f"mend llm_health first; else {_RECREATE} web")
    else:
        yield Finding("web_page", "web", OK, f"GET / answers 200, /api/health {through}")


def _spoken(check: str, subject: str, said: Talk, service: str, key: str) -> Finding:
    """Judge a conversation that should have ended in speech."""
    logs = f"{_LOGS} {service}"
    if said.refused:
        wrong_key = "401" in said.refused or "403" in said.refused
        following = f"set {key} in ci/.env, then {_RECREATE} {service}" if wrong_key else logs
        return Finding(check, subject, BROKEN, f"the WebSocket handshake fails: {said.refused}", (), following)
    if error := said.first("error", "orchestrator_error"):
        words = f"{error.get('code')}: {error.get('message')}"
        return Finding(check, subject, BROKEN, f"it answers with {error['type']}, {words}", (), logs)
    came = ", ".join(f"{said.kinds().count(kind)} x {kind}" for kind in dict.fromkeys(said.kinds())) or "nothing"
    if not said.first("tts_end"):
        why = "does not end in time" if said.late else f"was closed with {said.closed}"
        return Finding(check, subject, BROKEN, f"the conversation {why}; what came: {came}", (), logs)
    audio = "".join(str(message.get("audio_base64", "")) for message in said.messages)
    if not said.first("audio_chunk"):
        return Finding(check, subject, BROKEN, f"it ends without audio; what came: {came}", (), logs)
    if not audio.strip("A="):
        return Finding(check, subject, BROKEN, f"all its audio is digital silence; what came: {came}", (), logs)
    return Finding(check, subject, OK, f"speaks; what came: {came}")


def _judge_text(check: str, subject: str, text: str) -> Finding:
    judged = garble(text, _PROMPT)
    severity = BROKEN if judged.score >= GARBLED else WARNING if judged.score >= SUSPICIOUS else OK
    said = f"garble score {judged.score:.2f} of 1"
    if severity is OK:
        return Finding(check, subject, OK, f"answers with words, {said}", (text[:60],))
    parts = ", ".join(f"{name} {getattr(judged, name):.0%}" for name in ("repeated", "looped", "foreign", "damaged"))
    return Finding(
        check,
        subject,
        severity,
        f"its answer is garbled: {said} ({parts})",
        (text[:60], *judged.examples),
        "go back to the original safetensors weights with SGLANG_KV_CACHE_DTYPE=fp8_e4m3 (guide 5.5)",
    )


def _complete(scene: Scene, url: str, model: str, prompt: str) -> tuple[int, str, str]:
    """Return (status, the answer's text, what was said otherwise)."""
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 96, "temperature": 0}
    answer = scene.post(f"{url}/v1/chat/completions", scene.setting("SGLANG_API_KEY"), body)
    choices = _fields(answer).get("choices") or [{}]
    text = (choices[0].get("message") or {}).get("content") or ""
    return answer.status_code, str(text), _excerpt(answer)


def _fields(answer: httpx.Response) -> dict[str, Any]:
    try:
        fields = answer.json()
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _excerpt(answer: httpx.Response) -> str:
    return answer.text[:300]
