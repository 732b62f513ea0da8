"""The gateway's HTTP side: `/tts`, `/healthz`, `/metrics` on aiohttp."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from time import monotonic

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .connection import Connection
from .gateway import Gateway
from .metrics import Exposition
from .service import key_fits
from .wire import Wire


def make_app(gateway: Gateway) -> web.Application:
    """Return the application that serves `gateway`."""
    app = web.Application()
    routes = _Routes(gateway)
    app.router.add_get("/tts", routes.tts)
    app.router.add_get("/healthz", routes.healthz)
    app.router.add_get("/metrics", routes.metrics)

    async def sweeping(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(gateway.sweep_forever())
        yield
        task.cancel()

    app.cleanup_ctx.append(sweeping)
    return app


def listen(host: str, port: int, send_buffer_bytes: int) -> socket.socket:
    """Return a bound socket whose connections inherit the send buffer. Raises `OSError`."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Left to itself the kernel takes 4 MB for a client that reads nothing, and the gateway sees no stall.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


class _Routes:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._started_at = datetime.now(UTC)
        self._started = monotonic()
        self._exposition = Exposition(
            gateway.tally,
            {
                "sessions_live": ("Sessions held, absent clients included", lambda: len(gateway.registry)),
                "connections": ("Open WebSocket connections", lambda: len(gateway.guests)),
                "unsent_bytes": ("PCM that waits for a socket", lambda: gateway.registry.unsent_bytes),
                "cached_bytes": ("PCM that is kept for resume", lambda: gateway.registry.cached_bytes),
                "loop_lag_seconds": ("How late the last timer was", lambda: gateway.loop_lag_s),
                "uptime_seconds": ("Time since the start", lambda: monotonic() - self._started),
            },
        )

    async def tts(self, request: web.Request) -> web.StreamResponse:
        gateway, settings = self._gateway, self._gateway.settings
        if not key_fits(request, settings.api_key):
            gateway.tally.refused_upgrades += 1
            raise web.HTTPUnauthorized(text="wrong or missing API key", headers={"WWW-Authenticate": "Bearer"})
        if gateway.draining:
            gateway.tally.refused_upgrades += 1
            raise web.HTTPServiceUnavailable(text="the gateway shuts down")
        if pause_s := gateway.defects.accept_pause_s():
            if pause_s < 0:
                raise web.HTTPInternalServerError
            await asyncio.sleep(pause_s)
        wire = Wire(settings.max_message_bytes, settings.send_buffer_bytes, settings.close_grace_s)
        await wire.open(request)
        await Connection(gateway, wire).run()
        return wire

    async def healthz(self, _: web.Request) -> web.Response:
        gateway = self._gateway
        body = {
            "status": "draining" if gateway.draining else "ok",
            "engine": gateway.settings.engine,
            "engine_resolved": gateway.engine.name,
            "version": gateway.settings.version,
            "started_at": self._started_at.isoformat(timespec="milliseconds"),
            "uptime_s": round(monotonic() - self._started, 3),
            "engine_sample_rate": gateway.engine.native_rate_hz,
            "sample_rates": sorted(gateway.engine.sample_rates),
            "sessions_live": len(gateway.registry),
            "connections": len(gateway.guests),
            "unsent_bytes": gateway.registry.unsent_bytes,
            "flush_rule": "v1",
        }
        return web.json_response(body, status=503 if gateway.draining else 200)

    async def metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self._exposition.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
