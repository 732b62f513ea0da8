"""The page's files, and a reverse proxy: `/api/` to the LLM, `/tts` to the gateway, `/chat` to the orchestrator.

Keys pass through as the browser shows them; none is added here, or everybody who finds the page had them.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from msgspec import Struct, field
from multidict import CIMultiDict, CIMultiDictProxy

PAGE = Path(__file__).parent / "page"
# RFC 9110, section 7.6.1: of one connection only; and what the next connection says anew.
_HOP_BY_HOP = {
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_CLOSED = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Settings(Struct, frozen=True, kw_only=True):
    """Where the three services are."""

    host: str = field(default="0.0.0.0", name="WEB_HOST")
    port: int = field(default=8080, name="WEB_PORT")
    llm_url: str = field(default="http://localhost:8082", name="SGLANG_BASE_URL")
    tts_url: str = field(default="ws://localhost:9000/tts", name="WS_TTS_URL")
    chat_url: str = field(default="ws://localhost:9100/chat", name="ORCHESTRATOR_URL")
    connect_s: float = field(default=10.0, name="WEB_CONNECT_S")


def make_app(settings: Settings) -> web.Application:
    """Return the application."""
    app = web.Application()
    routes = _Routes(settings)
    app.router.add_get("/", routes.page)
    app.router.add_get("/healthz", routes.healthz)
    app.router.add_get("/tts", routes.tts)
    app.router.add_get("/chat", routes.chat)
    app.router.add_route("*", "/api/{rest:.*}", routes.api)
    app.router.add_static("/page/", PAGE)
    app.cleanup_ctx.append(routes.with_http)
    return app


class _Routes:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http: ClientSession

    async def with_http(self, _: web.Application) -> AsyncIterator[None]:
        timeout = ClientTimeout(total=None, sock_connect=self._settings.connect_s)
        async with ClientSession(timeout=timeout, auto_decompress=False) as self._http:
            yield

    async def page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html", headers=_SECURITY)

    async def healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def tts(self, request: web.Request) -> web.StreamResponse:
        return await self._join(request, self._settings.tts_url)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        return await self._join(request, self._settings.chat_url)

    async def api(self, request: web.Request) -> web.StreamResponse:
        # As it was written: decoded, an escaped slash in a model's name would be two parts of a path.
        url = f"{self._settings.llm_url}/{request.raw_path.partition('/api/')[2]}"
        body = request.content if request.body_exists else None
        answering: web.StreamResponse | None = None
        try:
            async with self._http.request(
                request.method, url, headers=_passing(request.headers), data=body, allow_redirects=False
            ) as answer:
                answering = web.StreamResponse(status=answer.status, headers=_passing(answer.headers))
                await answering.prepare(request)
                async for part in answer.content.iter_any():
                    await answering.write(part)
                await answering.write_eof()
                return answering
        except (ClientError, TimeoutError) as error:
            if answering is None:
                raise web.HTTPBadGateway(text=f"nobody answers at {self._settings.llm_url}: {error}") from None
            # Half an answer must not look like a whole one.
            if request.transport is not None:
                request.transport.abort()
            return answering

    async def _join(self, request: web.Request, url: str) -> web.StreamResponse:
        """Join a browser's WebSocket with the service's. The service answers first: its refusal is ours."""
        authorization = request.headers.get("Authorization")
        try:
            async with asyncio.timeout(self._settings.connect_s):
                inner = await self._http.ws_connect(
                    url,
                    params=request.query,
                    headers={"Authorization": authorization} if authorization else {},
                    max_msg_size=0,
                    timeout=ClientWSTimeout(ws_close=5.0),
                )
        except WSServerHandshakeError as error:
            return web.Response(status=error.status, text=error.message)
        except (ClientError, OSError, TimeoutError) as error:
            raise web.HTTPBadGateway(text=f"nobody answers at {url}: {error}") from None
        outer = web.WebSocketResponse(compress=False, max_msg_size=0, autoclose=False)
        await outer.prepare(request)
        ways = [asyncio.create_task(_carry(inner, outer)), asyncio.create_task(_carry(outer, inner))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await inner.close(code=_sendable(outer.close_code))
            await outer.close(code=_sendable(inner.close_code))
        return outer


Socket = ClientWebSocketResponse | web.WebSocketResponse


async def _carry(source: Socket, sink: Socket) -> None:
    """Pass messages on until the source closes or the sink is gone."""
    while True:
        message = await source.receive()
        if message.type in _CLOSED:
            return
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            payload = message.data.encode() if message.type is WSMsgType.TEXT else message.data
            try:
                await sink.send_frame(payload, message.type)
            except ConnectionError:
                return


def _passing(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers that go through: none that `Connection` names, either."""
    named = {name.strip().lower() for line in headers.getall("Connection", ()) for name in line.split(",")}
    stay = _HOP_BY_HOP | named
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in stay)


def _sendable(code: int | None) -> int:
    """A close code that may go over the wire: 1005 and 1006 only say that there was none."""
    return 1011 if code in (None, 1005, 1006) else code
