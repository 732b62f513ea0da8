"""One chat: three activities that end together. The LLM thinks, the gateway speaks, the client may interrupt."""

import asyncio
from contextlib import suppress
from time import monotonic

import msgspec
from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
    WSServerHandshakeError,
)
from aiohttp.web import WebSocketResponse

from pytest_wdtts.protocol import Cancel, ClientMessage, Start, TextDelta, TextEnd, encode

from .llm import stream_answer
from .messages import ChatFailed, ChatRequest, LlmDelta, LlmDone, OrchestratorError, OrchestratorStart
from .pieces import Pieces
from .settings import Settings

_request_decoder = msgspec.json.Decoder(ChatRequest)
_encoder = msgspec.json.Encoder()


class _Kind(msgspec.Struct, frozen=True):
    type: str = ""


_kind_decoder = msgspec.json.Decoder(_Kind)
_LAST_WORDS = ("tts_end", "error")


class ClientGone(Exception):
    """Nobody is left to answer."""


class Chat:
    """Answers one client; `run` returns when all is said, and never raises for what a peer did."""

    def __init__(self, http: ClientSession, settings: Settings, client: WebSocketResponse) -> None:
        self._http = http
        self._settings = settings
        self._client = client
        self._seq = 0

    async def run(self) -> None:
        """Hold the chat. Every failure is told to the client: silence would look like a short answer."""
        try:
            await self._hold(await self._hear_request())
        except* ChatFailed as failures:
            first = failures.exceptions[0]
            assert isinstance(first, ChatFailed)
            with suppress(ClientGone):
                await self._say(OrchestratorError(first.code, str(first)))
        except* ClientGone:
            pass
        await self._client.close()

    async def _hear_request(self) -> ChatRequest:
        try:
            message = await self._client.receive(timeout=self._settings.request_s)
        except TimeoutError:
            raise ChatFailed("bad_request", f"no request came within {self._settings.request_s:g} s") from None
        if message.type is WSMsgType.BINARY:
            raise ChatFailed("bad_request", "a request is one JSON object in a text frame, not a binary frame")
        if message.type is not WSMsgType.TEXT:
            raise ClientGone
        try:
            return _request_decoder.decode(message.data)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ChatFailed("bad_request", str(error)) from None

    async def _hold(self, request: ChatRequest) -> None:
        await self._say(OrchestratorStart(request.session_id, self._settings.model))
        tts = await self._reach_gateway()
        try:
            start = Start(request.session_id, request.audio_format, request.sample_rate, request.channels)
            await _tell(tts, start)
            async with asyncio.TaskGroup() as group:
                thinking = group.create_task(self._think(request, tts))
                listening = group.create_task(self._listen(request, tts, thinking))
                await self._speak(tts)
                thinking.cancel()
                listening.cancel()
        finally:
            await tts.close()

    async def _think(self, request: ChatRequest, tts: ClientWebSocketResponse) -> None:
        """Pass the LLM's words on, to the client at once and to the gateway in pieces."""
        pieces, length, began_s = Pieces(), 0, monotonic()
        async for text in stream_answer(self._http, self._settings, request.prompt):
            await self._say(LlmDelta(text))
            length += len(text)
            for piece in pieces.cut(text):
                await _tell(tts, TextDelta(request.session_id, self._next_seq(), piece))
        if pieces.rest:
            await _tell(tts, TextDelta(request.session_id, self._next_seq(), pieces.rest))
        # Before the gateway can end: a client may take `tts_end` for the end of everything.
        await self._say(LlmDone(round((monotonic() - began_s) * 1000, 1), length))
        await _tell(tts, TextEnd(request.session_id, self._next_seq()))

    async def _speak(self, tts: ClientWebSocketResponse) -> None:
        """Pass the gateway's messages on until its last one."""
        async for message in tts:
            if message.type is WSMsgType.TEXT:
                frame = message.data.encode()
                await self._pass_on(frame)
                if _kind_of(frame) in _LAST_WORDS:
                    return
        raise ChatFailed("tts_broken", f"the gateway closed with {tts.close_code} before its tts_end")

    async def _listen(self, request: ChatRequest, tts: ClientWebSocketResponse, thinking: "asyncio.Task[None]") -> None:
        """Hear a cancel, once; notice when the client goes."""
        cancelled = False
        while True:
            message = await self._client.receive()
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                raise ClientGone
            if message.type is WSMsgType.TEXT and not cancelled and _kind_of(message.data) == "cancel":
                cancelled = True
                thinking.cancel()
                await _tell(tts, Cancel(request.session_id, self._next_seq()))

    async def _reach_gateway(self) -> ClientWebSocketResponse:
        settings = self._settings
        headers = {"Authorization": f"Bearer {settings.tts_api_key}"} if settings.tts_api_key else {}
        try:
            async with asyncio.timeout(settings.connect_s):
                socket = await self._http.ws_connect(
                    settings.tts_url, headers=headers, max_msg_size=0, timeout=ClientWSTimeout(ws_close=2.0)
                )
        except WSServerHandshakeError as error:
            raise ChatFailed("tts_refused", f"the gateway answered the handshake with {error.status}") from None
        except (ClientError, OSError, TimeoutError) as error:
            reason = str(error) or f"no answer within {settings.connect_s:g} s"
            raise ChatFailed("tts_unreachable", f"nobody answers at {settings.tts_url}: {reason}") from None
        return socket

    async def _say(self, message: msgspec.Struct) -> None:
        await self._pass_on(_encoder.encode(message))

    async def _pass_on(self, frame: bytes) -> None:
        try:
            await self._client.send_frame(frame, WSMsgType.TEXT)
        except ConnectionError:
            raise ClientGone from None

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq


async def _tell(tts: ClientWebSocketResponse, message: ClientMessage) -> None:
    # A gateway that has gone is noticed by whoever reads it, who also knows why.
    with suppress(ConnectionError):
        await tts.send_frame(encode(message), WSMsgType.TEXT)


def _kind_of(frame: bytes | str) -> str:
    try:
        return _kind_decoder.decode(frame).type
    except (msgspec.DecodeError, UnicodeError):
        return ""
