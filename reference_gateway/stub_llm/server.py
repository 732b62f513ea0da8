"""`/health`, `/v1/models` and `/v1/chat/completions`, streamed or whole, with a few ways to go wrong on purpose."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic

from aiohttp import web
from msgspec import DecodeError, Struct, ValidationError
from msgspec import json as fast_json

from ..service import key_fits
from .settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TOKEN_UNITS = 4
_SETTINGS = web.AppKey("settings", Settings)
_STARTED = web.AppKey("started", float)

_ANSWERS = (
    "你好！我是這個語音系統的示範模型。你可以問我任何事，我會逐字回答，而語音會跟著文字一起產生。",
    "這是一個確定性的回答，每次都一樣。它有逗號，也有句號。最後一句比較長，好讓語音服務有事可做！",
    "Streaming speech starts before the sentence is complete. Each mark, like this comma, lets the gateway speak.",
)
_GARBLE = "11111111111111111111YouYouYouYouYouYou的的的的的的的的的的的的的的的的"


class Turn(Struct, frozen=True):
    """One message of a conversation."""

    content: str
    role: str = "user"


class Question(Struct, frozen=True):
    """A chat completion's request, as far as the stub looks at it."""

    messages: list[Turn]
    stream: bool = False
    max_tokens: int = 512


def make_app(settings: Settings) -> web.Application:
    """Return the application."""
    app = web.Application(middlewares=[_ask_key])
    app[_SETTINGS] = settings
    app[_STARTED] = monotonic()
    app.router.add_get("/health", _health)
    app.router.add_get("/v1/models", _models)
    app.router.add_post("/v1/chat/completions", _complete)
    return app


def answer(prompt: str, settings: Settings) -> str:
    """Return the words for a prompt: the same ones every time."""
    if settings.defect == "empty":
        return ""
    if settings.defect == "garble":
        return _GARBLE
    if prompt.isascii():
        return _ANSWERS[2]
    return _ANSWERS[sum(map(ord, prompt)) % 2]


@web.middleware
async def _ask_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path != "/health" and not key_fits(request, request.app[_SETTINGS].api_key):
        return web.json_response({"error": "Unauthorized"}, status=401)
    return await handler(request)


async def _health(request: web.Request) -> web.Response:
    ready = monotonic() - request.app[_STARTED] >= request.app[_SETTINGS].start_s
    return web.Response(status=200 if ready else 503)


async def _models(request: web.Request) -> web.Response:
    settings = request.app[_SETTINGS]
    model = {"id": settings.model, "object": "model", "max_model_len": settings.max_model_len}
    return web.json_response({"object": "list", "data": [model]})


async def _complete(request: web.Request) -> web.StreamResponse:
    settings = request.app[_SETTINGS]
    if settings.defect == "http_500":
        return _refusal(500, "Internal Server Error")
    try:
        question = fast_json.decode(await request.read(), type=Question)
    except (DecodeError, ValidationError) as error:
        return _refusal(400, str(error))
    prompt = "".join(turn.content for turn in question.messages)
    if len(prompt) > settings.max_model_len and not settings.auto_truncate:
        # The words of the real server, which the doctor has to understand.
        return _refusal(
            400,
            f"The input ({len(prompt)} tokens) is longer than the model's context length "
            f"({settings.max_model_len} tokens).",
        )
    text = answer(prompt, settings)[: question.max_tokens]
    if question.stream:
        return await _stream(request, text)
    message = {"role": "assistant", "content": text}
    return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"object": "error", "message": message, "code": status}, status=status)


async def _stream(request: web.Request, text: str) -> web.StreamResponse:
    settings = request.app[_SETTINGS]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    if settings.defect == "silence":
        await asyncio.sleep(3600)
    for number, token in enumerate(_tokens(text)):
        if number == 3 and settings.defect == "stream_cut":
            assert request.transport is not None
            request.transport.abort()
            return response
        if number == 3 and settings.defect == "error_mid_stream":
            await response.write(_event({"error": {"message": "CUDA out of memory", "code": 500}}))
            return response
        await response.write(_event({"choices": [{"index": 0, "delta": {"content": token}, "finish_reason": None}]}))
        await asyncio.sleep(len(token) / settings.tokens_per_s)
    await response.write(
        _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}) + b"data: [DONE]\n\n"
    )
    return response


def _tokens(text: str) -> Iterator[str]:
    return (text[start : start + TOKEN_UNITS] for start in range(0, len(text), TOKEN_UNITS))


def _event(body: object) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
