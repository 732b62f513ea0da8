"""The LLM's side: a streamed chat completion as an iterator of text, every way to fail with a name."""

from collections.abc import AsyncIterator

import msgspec
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, ConnectionTimeoutError

from .messages import ChatFailed, ErrorCode
from .settings import Settings

_DONE = b"[DONE]"
_CODE_OF_STATUS: dict[int, ErrorCode] = {
    400: "llm_bad_request",
    401: "llm_unauthorized",
    403: "llm_unauthorized",
    413: "llm_bad_request",
    422: "llm_bad_request",
}


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()


class _Event(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []
    error: object = None


_events = msgspec.json.Decoder(_Event)


async def stream_answer(http: ClientSession, settings: Settings, prompt: str) -> AsyncIterator[str]:
    """Yield the answer's text as it comes. Raises `ChatFailed`."""
    body = {
        "model": settings.model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "max_tokens": settings.max_new_tokens,
    }
    key = settings.llm_api_key
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = ClientTimeout(total=None, sock_connect=settings.connect_s, sock_read=settings.llm_idle_s)
    where = f"{settings.llm_url}/v1/chat/completions"
    answered = False
    try:
        async with http.post(where, json=body, headers=headers, timeout=timeout) as response:
            answered = True
            await _check(response)
            async for text in _texts(response):
                yield text
    except ConnectionTimeoutError:
        silence = f"no answer within {settings.connect_s:g} s"
        raise ChatFailed("llm_unreachable", f"nobody answers at {settings.llm_url}: {silence}") from None
    except TimeoutError:
        raise ChatFailed("llm_timeout", f"the LLM said nothing for {settings.llm_idle_s:g} s") from None
    except (ClientError, ConnectionError) as error:
        if answered:
            raise ChatFailed("llm_broken", f"the LLM's stream broke: {error or type(error).__name__}") from None
        raise ChatFailed("llm_unreachable", f"nobody answers at {settings.llm_url}: {error}") from None


async def _check(response: ClientResponse) -> None:
    if response.status != 200:
        code = _CODE_OF_STATUS.get(response.status, "llm_failed")
        words = (await response.text(errors="replace"))[:500]
        raise ChatFailed(code, f"the LLM answered {response.status}: {words}")


async def _texts(response: ClientResponse) -> AsyncIterator[str]:
    said_something = False
    async for line in response.content:
        data = line.removeprefix(b"data:").strip()
        if not line.startswith(b"data:"):
            continue
        if data == _DONE:
            if not said_something:
                raise ChatFailed("llm_empty", "the LLM ended its answer without a word")
            return
        try:
            event = _events.decode(data)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ChatFailed("llm_broken", f"the LLM sent what is no event: {error}") from None
        if event.error is not None:
            raise ChatFailed("llm_failed", f"the LLM failed in mid-answer: {str(event.error)[:500]}")
        if event.choices and (text := event.choices[0].delta.content):
            said_something = True
            yield text
    raise ChatFailed("llm_broken", "the LLM's stream ended before its [DONE]")
