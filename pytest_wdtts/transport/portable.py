"""The portable transport: the sans-I/O protocol of `websockets` on asyncio's own sockets.

Owning the socket is the point. The library's ready-made client reads ahead into queues of its own and cannot
reset, fall silent or stop within a frame; its protocol object can be fed exactly what a fault asks for.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import cast

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

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

READ_BYTES = 256 * 1024

# Asyncio's selector loops fill a buffer and hand it over in one step, so all connections can share one;
# the Windows proactor keeps a read pending in each.
_shared_buffer = None if sys.platform == "win32" else bytearray(READ_BYTES)


class PortableTransport:
    """Opens connections on the running event loop."""

    name = "websockets"

    def connect(self, target: Target, listener: Listener) -> "PortableConnection":
        """Begin to open a connection; must be called on the loop."""
        return PortableConnection(target, listener)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return asyncio's own loop, which is there on every system."""
        return asyncio.new_event_loop()


class PortableConnection(asyncio.BufferedProtocol):
    """One connection: asyncio delivers bytes, `websockets` makes frames of them."""

    def __init__(self, target: Target, listener: Listener) -> None:
        self._target = target
        self._listener = listener
        scheme = "wss" if target.tls else "ws"
        self._wire = ClientProtocol(
            parse_uri(f"{scheme}://{target.authority}{target.resource}"), max_size=MAX_MESSAGE_BYTES
        )
        self._socket: asyncio.Transport | None = None
        self._buffer = _shared_buffer or bytearray(READ_BYTES)
        self._parts: list[bytes] = []
        self._opcode = Opcode.TEXT
        self._open = False
        self._gone = False
        self._silent = False
        self._after_cut: Callable[[], None] | None = None
        self._read_limit_bytes = READ_BYTES
        self._budget_bytes: int | None = None
        self._opening = asyncio.get_running_loop().create_task(self._connect())

    # --- opening -------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            connected = await open_socket(loop, self._target)
            await loop.create_connection(
                lambda: self,
                sock=connected,
                ssl=self._target.tls,
                server_hostname=self._target.host if self._target.tls else None,
            )
        except OSError as error:
            self._fail(socket_words(error))
        except OwnFailure as error:
            loop.call_exception_handler({"message": str(error), "exception": error})
            self._fail(str(error))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio: the TCP (and TLS) connection stands."""
        self._socket = cast(asyncio.Transport, transport)
        if self._gone:
            self._socket.abort()
            return
        request = self._wire.connect()
        request.headers.update(Headers(self._target.headers))
        self._wire.send_request(request)
        self._flush()

    # --- reading --------------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Asyncio: where to read to. Little at a time when a fault needs it."""
        return memoryview(self._buffer)[: self._read_limit_bytes]

    def buffer_updated(self, nbytes: int) -> None:
        """Asyncio: so many bytes were read."""
        if self._silent or self._gone:
            return
        self._wire.receive_data(bytes(memoryview(self._buffer)[:nbytes]))
        self._take_events()
        if self._budget_bytes is not None:
            self.read_at_most(self._budget_bytes - nbytes)
        if self._after_cut is not None and nbytes == PARTIAL_READ_BYTES and not self._gone:
            self.reset()
            self._after_cut()

    def eof_received(self) -> bool:
        """Asyncio: the peer will send no more."""
        if not self._silent:
            self._wire.receive_eof()
            self._take_events()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio: the socket is closed."""
        self._wire.receive_eof()
        if not self._open:
            self._fail(CLOSED_WORDS)
            return
        received = self._wire.close_rcvd
        self._finish(received.code if received else 1006, received.reason if received else str(exc or ""))

    def _take_events(self) -> None:
        for event in self._wire.events_received():
            if isinstance(event, Response):
                self._shake_hands(event)
            elif isinstance(event, Frame):
                self._take_frame(event)
        if self._wire.handshake_exc and not self._open:
            self._fail(_handshake_words(self._wire.handshake_exc))
        self._flush()

    def _shake_hands(self, response: Response) -> None:
        if self._wire.handshake_exc is None:
            self._open = True
            self._listener.connection_open()

    def _take_frame(self, frame: Frame) -> None:
        if self._gone:
            return
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._opcode = frame.opcode
            if frame.fin:
                self._deliver(bytes(frame.data))
            else:
                self._parts = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                self._deliver(b"".join(self._parts))
                self._parts = []

    def _deliver(self, message: bytes) -> None:
        if self._opcode is Opcode.TEXT:
            self._listener.text_frame(message)
        else:
            self._listener.binary_frame(len(message))

    # --- writing, closing, breaking ----------------------------------------------------------------------------

    def send_text(self, frame: bytes) -> None:
        """Send one text frame now; nothing happens on a connection that is closing."""
        if not self._gone and not self._silent and self._wire.state is State.OPEN:
            self._wire.send_text(frame)
            self._flush()

    def close(self, code: int = 1000) -> None:
        """Close with a closing handshake."""
        if not self._gone and self._wire.state is State.OPEN:
            self._wire.send_close(code)
            self._flush()
        elif not self._open:
            self._fail("closed before it was open")

    def reset(self) -> None:
        """Cut with a TCP reset."""
        self._gone = True
        if self._socket is None:
            self._opening.cancel()
            return
        raw = self._socket.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0 and self._target.tls is None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._socket.abort()

    def reset_within_frame(self, then: Callable[[], None]) -> None:
        """Read little at a time from now on, and reset at the first read that is full: more was to come."""
        self._after_cut = then
        self._read_limit_bytes = PARTIAL_READ_BYTES

    def fall_silent(self) -> None:
        """Neither read nor write nor close any more."""
        self._silent = True
        self.pause_reading()

    def pause_reading(self) -> None:
        """Stop reading from the kernel's socket."""
        if self._socket is not None and self._socket.is_reading():
            self._socket.pause_reading()

    def read_at_most(self, budget_bytes: int) -> None:
        """Read so many bytes, then stop again."""
        self._budget_bytes = max(0, budget_bytes)
        self._read_limit_bytes = min(READ_BYTES, self._budget_bytes) or READ_BYTES
        if self._budget_bytes:
            self._start_reading()
        else:
            self.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._budget_bytes = None
        self._read_limit_bytes = READ_BYTES
        self._start_reading()

    def _start_reading(self) -> None:
        if self._socket is not None and not self._silent and not self._socket.is_closing():
            self._socket.resume_reading()

    def _flush(self) -> None:
        if self._socket is None or self._silent:
            return
        for data in self._wire.data_to_send():
            if data:
                self._socket.write(data)
            elif self._socket.can_write_eof():
                self._socket.write_eof()
            else:
                self._socket.close()

    def _fail(self, reason: str) -> None:
        if self._gone:
            return
        self._gone = True
        if self._socket is not None:
            self._socket.abort()
        self._listener.connection_failed(reason)

    def _finish(self, code: int, reason: str) -> None:
        if not self._gone:
            self._gone = True
            self._listener.connection_closed(code, reason)


def _handshake_words(error: Exception) -> str:
    match error:
        case InvalidStatus():
            return status_words(error.response.status_code)
        case InvalidHandshake() | InvalidURI():
            return refused_words(error)
        case _:
            return f"no WebSocket handshake: {error}"
