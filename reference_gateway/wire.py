"""The WebSocket of one connection: text frames in and out, flow control, and a close that cannot hang."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Literal, cast

from aiohttp import WSCloseCode, WSMsgType, web

from pytest_wdtts.protocol import Malformed

# A message over the limit is still read whole up to this many times the limit: a client that has sent all of
# it reads the error in peace. What is longer still is thrown away as it comes.
_CEILING = 4
_NO_STATUS = 1005
_LINGER_S = 1.0


class Wire(web.WebSocketResponse[Literal[False]]):
    """A WebSocket without compression, whose text frames stay UTF-8 bytes."""

    def __init__(self, max_message_bytes: int, send_buffer_bytes: int, close_grace_s: float) -> None:
        super().__init__(
            timeout=close_grace_s,
            # The library would answer pings of a peer that reads nothing until memory ends.
            autoping=False,
            compress=False,
            max_msg_size=_CEILING * max_message_bytes,
            # And it would wait for the socket in `send_frame`, where a wait cannot be broken off unharmed.
            writer_limit=sys.maxsize,
            decode_text=False,
        )
        self._max_message_bytes = max_message_bytes
        self._send_buffer_bytes = send_buffer_bytes
        self._transport: asyncio.Transport
        self._written = 0
        self._overrun = False
        """Whether a message over the ceiling came: nothing more can be read then."""

    async def open(self, request: web.Request) -> None:
        """Answer the upgrade. Raises what the handshake raises."""
        await self.prepare(request)
        self._transport = cast(asyncio.Transport, request.transport)
        self._transport.set_write_buffer_limits(high=self._send_buffer_bytes)

    @property
    def bytes_taken(self) -> int:
        """How many bytes the socket has taken so far."""
        return self._written - self._transport.get_write_buffer_size()

    async def next_frame(self) -> bytes | None:
        """Return the next text frame; None when the connection is closed.

        Raises `Malformed` for a frame that no message can be in.
        """
        while True:
            message = await self.receive()
            if message.type is WSMsgType.TEXT:
                frame = cast(bytes, message.data)
                if len(frame) > self._max_message_bytes:
                    raise Malformed(self._too_big(len(frame)))
                return frame
            if message.type is WSMsgType.BINARY:
                raise Malformed("type: a binary frame is no message, only text frames are")
            if message.type is WSMsgType.PING:
                if not self._paused:
                    await self.pong(cast(bytes, message.data))
            elif message.type is not WSMsgType.PONG:
                if self._overrun and message.type is WSMsgType.ERROR:
                    raise Malformed(self._too_big(None))
                return None

    async def send(self, frame: bytes) -> None:
        """Send one text frame, and wait while the socket takes no more. Raises `ConnectionError`."""
        await self._write(frame)
        if self._paused:
            assert self._payload_writer is not None
            # The library shares one future among all who wait here: cancelling one must not wake the others.
            drained = asyncio.ensure_future(self._payload_writer.drain())
            # Whoever was cancelled here does not hear that the connection was lost: else the loop would log it.
            drained.add_done_callback(_take_note)
            await asyncio.shield(drained)

    async def post(self, frames: Sequence[bytes]) -> None:
        """Send text frames without waiting for the socket. Raises `ConnectionError`."""
        for frame in frames:
            await self._write(frame)

    async def finish(self, frames: Sequence[bytes], code: int, reason: str) -> bool:
        """Send the last frames and close; return whether the peer answered, so that it has read them.

        A peer that does not answer within the grace is cut off.
        """
        try:
            await self.post(frames)
            if self._overrun:
                await self._close_unread(code, reason)
                return False
            ours = await self.close(code=code, message=reason.encode(), drain=False)
        except ConnectionError:
            return False
        if self.close_code == WSCloseCode.ABNORMAL_CLOSURE:
            self._transport.abort()
        # A peer that goes away of its own accord (1001, say) crossed our close: it may have read nothing.
        return ours and self.close_code in (code, _NO_STATUS)

    def cut(self) -> None:
        """Drop the connection without a close frame."""
        self._transport.abort()

    def cut_if_stuck(self) -> None:
        """Give a peer that left without reading its last bytes the grace, not for ever."""
        if self._transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(self._timeout, self._transport.abort)

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """Close, as the base class does, but never for a message too big: the reader has to say why first."""
        if code == WSCloseCode.MESSAGE_TOO_BIG:
            self._overrun = True
            return False
        return await super().close(code=code, message=message, drain=drain)

    def _set_closing(self, code: WSCloseCode) -> None:
        # The library wakes a waiting reader to close, takes that for the peer's close, and drops the connection
        # with the last frames unread. Once we are closing, only the peer's own close frame counts.
        if not self._closed:
            super()._set_closing(code)

    @property
    def _paused(self) -> bool:
        assert self._req is not None
        return self._req.protocol.writing_paused

    async def _close_unread(self, code: int, reason: str) -> None:
        # The peer is still sending. Closing now would reset the connection and take our last frame from it,
        # so for a while what it sends is thrown away. (It may answer our close, but nobody can read that now;
        # and a half-close makes some clients fail instead of reading on.)
        assert self._writer is not None
        await self._writer.close(code, reason)
        self._set_closed()
        await asyncio.sleep(min(_LINGER_S, self._timeout))
        self._transport.abort()

    async def _write(self, frame: bytes) -> None:
        self._written += len(frame)
        await self.send_frame(frame, WSMsgType.TEXT)

    def _too_big(self, size: int | None) -> str:
        seen = f"{size} bytes are" if size else f"more than {_CEILING * self._max_message_bytes} bytes are"
        return f"message: {seen} over the limit of {self._max_message_bytes}"


def _take_note(drained: "asyncio.Future[None]") -> None:
    if not drained.cancelled():
        drained.exception()
