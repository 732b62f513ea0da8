"""What the small HTTP services beside the gateway share: settings from the environment, start, stop, API key."""

import asyncio
import hmac
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from .settings import WrongSetting

S = TypeVar("S", bound=msgspec.Struct)


def read_environment(kind: type[S], environment: Mapping[str, str]) -> S:
    """Fill a struct whose fields are named as variables; an empty variable counts as unset. Raises `WrongSetting`."""
    known = {one.encode_name for one in msgspec.structs.fields(kind)}
    given = {name: value for name, value in environment.items() if name in known and value}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise WrongSetting(str(error).replace("`$.", "`")) from None


def run_service(name: str, make_app: Callable[[], web.Application], host: str, port: int) -> int:
    """Serve until a signal; return the exit code: 0 after a signal, 3 where the port cannot be had."""
    return asyncio.run(_serve(name, make_app(), host, port))


async def _serve(name: str, app: web.Application, host: str, port: int) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        complain(name, f"cannot listen on {host}:{port}: {error.strerror or error}")
        await runner.cleanup()
        return 3
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(f"{name} listening on http://{host}:{runner.addresses[0][1]}", flush=True)
    await stop.wait()
    await runner.cleanup()
    return 0


def complain(name: str, text: str) -> None:
    """Say on stderr why a service does not start."""
    print(f"{name}: {text}", file=sys.stderr, flush=True)


def key_fits(request: web.Request, key: str) -> bool:
    """Return whether a request shows the key, as bearer token or as `?api_key=`; always where none is asked."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    shown = bearer.strip() if scheme.lower() == "bearer" else request.query.get("api_key", "")
    return not key or hmac.compare_digest(_bytes(shown), _bytes(key))


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")
