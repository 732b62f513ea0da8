"""`python -m reference_gateway`: one gateway process, set by the environment (see `settings.py`).

Exit codes: 0 shut down by a signal, or nothing found by `--check`; 2 a wrong setting; 3 the port cannot be had;
4 the engine cannot start.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aiohttp import web

from .defects import Defects, UnknownDefect, WrongArgument, switch_on
from .engines import EngineFailed, make_engine
from .gateway import make_gateway
from .server import listen, make_app
from .service import tell_strangers_in_one_line
from .settings import Settings, WrongSetting, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gateway until a signal ends it; return the exit code."""
    options = _parse(arguments)
    overrides = {"WS_TTS_HOST": options.host, "WS_TTS_PORT": options.port, "WS_TTS_ENGINE": options.engine}
    given = {variable: value for variable, value in overrides.items() if value is not None}
    try:
        settings = read_settings({**os.environ, **given})
        defects = switch_on(options.defect)
        if options.check:
            return 0
        return _runner()(_serve(settings, defects, options.end_with_stdin))
    except (WrongSetting, UnknownDefect, WrongArgument) as error:
        return _complain(2, str(error))
    except EngineFailed as error:
        return _complain(4, f"the {settings.engine} engine cannot start: {error}")


async def _serve(settings: Settings, defects: Defects, end_with_stdin: bool) -> int:
    engine = make_engine(settings)
    await engine.start()
    gateway = make_gateway(settings, engine, defects)
    try:
        listener = listen(settings.host, settings.port, settings.send_buffer_bytes)
    except OSError as error:
        return _complain(3, f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}")
    tell_strangers_in_one_line()
    # The wire closes its connections itself, so there is nothing left to wait for.
    runner = web.AppRunner(make_app(gateway), access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=4096).start()
        stop = _on_signals()
        if end_with_stdin:
            _on_stdin_end(stop)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(f"reference_gateway listening on ws://{host}:{listener.getsockname()[1]}/tts", flush=True)
        await stop.wait()
        await gateway.drain()
    finally:
        await runner.cleanup()
        await engine.close()
    return 0


def _on_signals() -> asyncio.Event:
    """Return what the first SIGTERM or SIGINT sets; the second ends the process at once."""
    stop = asyncio.Event()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop


def _on_stdin_end(stop: asyncio.Event) -> None:
    """Set it when standard input ends: whoever holds the other end of the pipe is gone, however it went."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        with contextlib.suppress(RuntimeError):  # The loop was closed first.
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True, name="stdin").start()


def _runner() -> Callable[[Coroutine[Any, Any, int]], int]:
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return uvloop.run


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m reference_gateway", description=__doc__)
    parser.add_argument("--host", help="overrides WS_TTS_HOST")
    parser.add_argument("--port", help="overrides WS_TTS_PORT; 0 picks a free one")
    parser.add_argument("--engine", help="overrides WS_TTS_ENGINE")
    parser.add_argument("--defect", action="append", default=[], metavar="NAME[:ARGS]", help="switch a misbehaviour on")
    parser.add_argument("--check", action="store_true", help="look at settings and defects, and serve nobody")
    parser.add_argument("--end-with-stdin", action="store_true", help="end, as by SIGTERM, when standard input ends")
    return parser.parse_args(arguments)


def _complain(code: int, text: str) -> int:
    print(f"reference_gateway: {text}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
