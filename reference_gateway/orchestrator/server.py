"""The orchestrator's HTTP side: `/healthz` and the WebSocket `/chat` on aiohttp."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from time import monotonic

from aiohttp import ClientSession, web

from ..service import key_fits
from .chat import Chat
from .settings import Settings

MAX_REQUEST_BYTES = 1024 * 1024


def make_app(settings: Settings) -> web.Application:
    """Return the application."""
    app = web.Application()
    routes = _Routes(settings)
    app.router.add_get("/healthz", routes.healthz)
    app.router.add_get("/chat", routes.chat)
    app.cleanup_ctx.append(routes.with_http)
    return app


class _Routes:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http: ClientSession
        self._started_at = datetime.now(UTC)
        self._started = monotonic()
        self._chats = 0

    async def with_http(self, _: web.Application) -> AsyncIterator[None]:
        async with ClientSession() as self._http:
            yield

    async def healthz(self, _: web.Request) -> web.Response:
        settings = self._settings
        body = {
            "status": "ok",
            "version": settings.version,
            "started_at": self._started_at.isoformat(timespec="milliseconds"),
            "uptime_s": round(monotonic() - self._started, 3),
            # What this process really uses: a changed `.env` does not reach a running container.
            "model": settings.model,
            "max_new_tokens": settings.max_new_tokens,
            "llm_url": settings.llm_url,
            "tts_url": settings.tts_url,
            "chats": self._chats,
        }
        return web.json_response(body)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        if not key_fits(request, self._settings.api_key):
            raise web.HTTPUnauthorized(text="wrong or missing API key", headers={"WWW-Authenticate": "Bearer"})
        client = web.WebSocketResponse(compress=False, max_msg_size=MAX_REQUEST_BYTES, heartbeat=30.0)
        await client.prepare(request)
        self._chats += 1
        try:
            await Chat(self._http, self._settings, client).run()
        finally:
            self._chats -= 1
        return client
