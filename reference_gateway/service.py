"""What the small HTTP services beside the gateway share: settings from the environment, start, stop, API key."""

import argparse
import asyncio
import hmac
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .settings import WrongSetting

S = TypeVar("S", bound=msgspec.Struct)
_SHOWN_CHARACTERS = 160


def read_environment(kind: type[S], environment: Mapping[str, str]) -> S:
    """Fill a struct whose fields are named as variables; an empty variable counts as unset. Raises `WrongSetting`."""
    known = {one.encode_name for one in msgspec.structs.fields(kind)}
    given = {name: value for name, value in environment.items() if name in known and value}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise WrongSetting(str(error).replace("`$.", "`")) from None


def run_service(
    name: str,
    kind: type[S],
    make_app: Callable[[S], web.Application],
    greet: Callable[[S], None] = lambda _: None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Serve until a signal, with the `host` and `port` of settings of this kind, after `greet` said what it wants.

    Returns the exit code: 0 after a signal, 2 for a wrong setting, 3 where the port cannot be had.
    """
    _parser(name, kind).parse_args(arguments)
    try:
        settings: Any = read_environment(kind, os.environ)
    except WrongSetting as error:
        complain(name, str(error))
        return 2
    greet(settings)
    return asyncio.run(_serve(name, make_app(settings), settings.host, settings.port))


def _parser(name: str, kind: type[msgspec.Struct]) -> argparse.ArgumentParser:
    """It takes no arguments: it says so, and which variables there are."""
    variables = "\n".join(f"  {one.encode_name}={one.default}" for one in msgspec.structs.fields(kind))
    return argparse.ArgumentParser(
        prog=f"python -m reference_gateway.{name}",
        description=f"Serve until a signal. These variables of the environment set it:\n{variables}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def tell_strangers_in_one_line() -> None:
    """Have the log say shortly who speaks no HTTP: a scanner is no failure of ours, and what it sends may be long."""
    logging.getLogger("aiohttp.server").addFilter(_shorten)


def _shorten(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        words = " ".join(str(error).split())
        record.msg, record.args = "%s: %s", (record.getMessage(), words[:_SHOWN_CHARACTERS])
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


async def _serve(name: str, app: web.Application, host: str, port: int) -> int:
    tell_strangers_in_one_line()
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
