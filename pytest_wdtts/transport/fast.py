"""The fast transport: picows parses frames in C, straight from the socket's buffer, on uvloop.

The library owns the socket while all goes well. A fault that needs finer reads (a cut within a frame, so many
bytes a second) puts `_Sip` between socket and parser, which hands over only as much room as it may take.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

import picows

from ..errors import OwnFailure
from .seam import Listener, Target
from .tcp import (
    CLOSED_WORDS,
    MAX_MESSAGE_BYTES,
    PARTIAL_READ_BYTES,
    RESET_ON_CLOSE,
    open_socket,
    refused_words,
    socket_words,
    status_words,
)

READ_BYTES = 16 * 1024
"""What a connection's buffer begins with: whole chunks of the contract fit, and a thousand cost 16 MB."""

_TEXT, _BINARY = picows.WSMsgType.TEXT, picows.WSMsgType.BINARY
_CONTINUATION, _CLOSE = picows.WSMsgType.CONTINUATION, picows.WSMsgType.CLOSE
_NO_CODE, _NO_CLOSE_FRAME = 1005, 1006

# The library speaks of every connection; what goes wrong with one reaches its listener.
_quiet = logging.Logger("pytest_wdtts.transport.fast", logging.CRITICAL)


class FastTransport:
    """Opens connections on the running event loop."""

    name = "picows"

    def connect(self, target: Target, listener: Listener) -> "FastConnection":
        """Begin to open a connection; must be called on the loop."""
        return FastConnection(target, listener)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a loop of the kind that this transport is fast on."""
        import uvloop

        return uvloop.new_event_loop()


class FastConnection(picows.WSListener):
    """One connection: the library calls it with frames, it calls its listener."""

    def __init__(self, target: Target, listener: Listener) -> None:
        self._target = target
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._wire: picows.WSTransport | None = None
        self._raw: socket.socket | None = None
        self._sip: _Sip | None = None
        self._parts: list[bytes] = []
        self._binary = False
        self._close_code = _NO_CLOSE_FRAME
        self._close_reason = ""
        self._gone = False
        self._silent = False
        self._task = self._loop.create_task(self._connect())

    # --- opening -------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        target = self._target
        scheme = "wss" if target.tls else "ws"
        try:
            self._raw = await open_socket(self._loop, target)
            await picows.ws_connect(
                lambda: self,
                f"{scheme}://{target.authority}{target.resource}",
                ssl_context=target.tls,
                websocket_handshake_timeout=None,
                logger_name=_quiet,
                max_frame_size=MAX_MESSAGE_BYTES,
                extra_headers=target.headers,
                max_redirects=0,
                read_buffer_init_size=READ_BYTES,
                socket_factory=lambda _: self._raw,
                use_aiofastnet=False,
                server_hostname=target.host if target.tls else None,
            )
            if self._wire is None:  # The library takes a peer that hangs up during the handshake for a success.
                self._fail(CLOSED_WORDS)
        except picows.WSInvalidStatusError as error:
            self._fail(status_words(error.response.status) if error.response else f"no WebSocket handshake: {error}")
        except picows.WSHandshakeError as error:
            self._fail(refused_words(error))
        except picows.WSError as error:
            self._fail(f"no WebSocket handshake: {error}")
        except OSError as error:
            self._fail(socket_words(error))
        except OwnFailure as error:
            self._loop.call_exception_handler({"message": str(error), "exception": error})
            self._fail(str(error))
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """The library leaves a socket open whose handshake was not waited for to the end."""
        if self._wire is None and self._raw is not None:
            with contextlib.suppress(OSError):
                self._raw.shutdown(socket.SHUT_RDWR)

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Picows: the handshake is done."""
        self._wire = transport
        if self._gone:
            self.reset()
        else:
            self._guard(self._listener.connection_open)

    # --- reading --------------------------------------------------------------------------------------------

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Picows: one frame, whose memory is the library's."""
        if self._gone or self._silent:
            return
        kind = frame.msg_type
        if kind == _TEXT and frame.fin:
            # Not through `_guard`: this is the one call that a run makes thousands of times a second.
            try:
                self._listener.text_frame(frame.get_payload_as_bytes())
            except Exception as error:
                self._own_failure(error)
        elif kind == _CLOSE:
            self._closing(frame.get_payload_as_bytes())
        elif kind in (_TEXT, _BINARY, _CONTINUATION):
            self._take_part(kind, frame)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Picows: the socket is closed; why, it tells only those who wait for it."""
        self._task = self._loop.create_task(self._hear_why(transport))

    async def _hear_why(self, transport: picows.WSTransport) -> None:
        reason = self._close_reason
        try:
            await transport.wait_disconnected()
        except Exception as error:
            reason = reason or str(error)
        self._finish(self._close_code, reason)

    def _take_part(self, kind: picows.WSMsgType, frame: picows.WSFrame) -> None:
        if kind != _CONTINUATION:
            self._binary = kind == _BINARY
            self._parts = []
        self._parts.append(frame.get_payload_as_bytes())
        if not frame.fin:
            return
        message = b"".join(self._parts)
        self._parts = []
        if self._binary:
            self._guard(lambda: self._listener.binary_frame(len(message)))
        else:
            self._guard(lambda: self._listener.text_frame(message))

    def _closing(self, payload: bytes) -> None:
        """The peer's close frame: answer it, and let the peer close the socket."""
        self._close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else _NO_CODE
        self._close_reason = payload[2:].decode("utf-8", "replace")
        assert self._wire is not None
        self._wire.send_close(cast(Any, self._close_code if self._close_code != _NO_CODE else 0))

    # --- writing, closing, breaking ----------------------------------------------------------------------------

    def send_text(self, frame: bytes) -> None:
        """Send one text frame now; nothing happens on a connection that is closing."""
        wire = self._wire
        if wire is not None and not self._gone and not self._silent:
            wire.send(_TEXT, frame)

    def close(self, code: int = 1000) -> None:
        """Close with a closing handshake."""
        if self._wire is None:
            self._fail("closed before it was open")
        elif not self._gone:
            self._wire.send_close(cast(Any, code))

    def reset(self) -> None:
        """Cut with a TCP reset."""
        self._over()
        if self._wire is None:
            self._task.cancel()
            return
        if self._raw is not None and self._target.tls is None and not self._wire.is_disconnected:
            self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._wire.underlying_transport.abort()

    def reset_within_frame(self, then: Callable[[], None]) -> None:
        """Read little at a time from now on, and reset at the first read that is full: more was to come."""

        def cut_if_full(nbytes: int) -> None:
            if nbytes == PARTIAL_READ_BYTES and not self._gone:
                self.reset()
                then()

        self._sip_by(PARTIAL_READ_BYTES, cut_if_full)

    def fall_silent(self) -> None:
        """Neither read nor write nor close any more."""
        self._silent = True
        self.pause_reading()

    def pause_reading(self) -> None:
        """Stop reading from the kernel's socket."""
        if self._wire is not None and self._wire.underlying_transport.is_reading():
            self._wire.underlying_transport.pause_reading()

    def read_at_most(self, budget_bytes: int) -> None:
        """Read so many bytes, then stop again."""
        if budget_bytes <= 0:
            self.pause_reading()
            return
        self._sip_by(budget_bytes, lambda nbytes: self.read_at_most(budget_bytes - nbytes))
        self._start_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._sip is not None:
            self._sip.limit_bytes, self._sip.after_read = MAX_MESSAGE_BYTES, None
        self._start_reading()

    def _start_reading(self) -> None:
        if self._wire is not None and not self._silent and not self._wire.underlying_transport.is_closing():
            self._wire.underlying_transport.resume_reading()

    def _sip_by(self, limit_bytes: int, after_read: "Callable[[int], None]") -> None:
        if self._wire is None:
            return
        if self._sip is None:
            self._sip = _Sip(self._wire.underlying_transport)
        self._sip.limit_bytes, self._sip.after_read = limit_bytes, after_read

    # --- small things ------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """Picows: its write buffer is full; ours are the smaller messages, and it goes on queueing."""

    def resume_writing(self) -> None:
        """Picows: its write buffer drained."""

    def _guard(self, tell: "Callable[[], None]") -> None:
        """The library swallows what its listener raises; an error of ours has to end the run."""
        try:
            tell()
        except Exception as error:
            self._own_failure(error)

    def _own_failure(self, error: Exception) -> None:
        self._loop.call_exception_handler({"message": "a listener failed", "exception": error})

    def _fail(self, reason: str) -> None:
        if not self._gone:
            self._gone = True
            self._listener.connection_failed(reason)

    def _over(self) -> None:
        """Who sips knows us, and we it: nothing may wait for the collector, which rests while a run lasts."""
        self._gone = True
        if self._sip is not None:
            self._sip.after_read, self._sip = None, None

    def _finish(self, code: int, reason: str) -> None:
        if not self._gone:
            self._over()
            self._guard(lambda: self._listener.connection_closed(code, reason))


class _Sip(asyncio.BufferedProtocol):
    """Stands between a socket and the library's parser, and lets it read only so much at a time."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.limit_bytes = MAX_MESSAGE_BYTES
        self.after_read: Callable[[int], None] | None = None
        self._parser = cast(asyncio.BufferedProtocol, transport.get_protocol())
        self.eof_received = self._parser.eof_received  # type: ignore[method-assign]
        self.connection_lost = self._parser.connection_lost  # type: ignore[method-assign]
        self.pause_writing = self._parser.pause_writing  # type: ignore[method-assign]
        self.resume_writing = self._parser.resume_writing  # type: ignore[method-assign]
        transport.set_protocol(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Asyncio: where to read to."""
        return memoryview(self._parser.get_buffer(sizehint))[: self.limit_bytes]

    def buffer_updated(self, nbytes: int) -> None:
        """Asyncio: so many bytes were read."""
        self._parser.buffer_updated(nbytes)
        if self.after_read is not None:
            self.after_read(nbytes)
