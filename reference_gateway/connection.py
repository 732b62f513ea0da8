"""One connection: frames come in and go to the session's machine, what the machine has ready goes out.

Three activities share a session: the reader (the request's own task), the synthesis and the sender. None
waits for another; each does one chunk and then lets the loop serve somebody else.
"""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic_ns

from pytest_wdtts.protocol import (
    ClientMessage,
    Error,
    ErrorCode,
    Malformed,
    Resume,
    Start,
    StartAck,
    TextDelta,
    TtsEnd,
    decode_client,
    encode,
)

from .defects import Close, Cut, Pause, Step
from .gateway import Gateway
from .session import Session, State
from .wav import wav_header
from .wire import Wire

_log = logging.getLogger(__name__)


class Connection:
    """Holds at most one session, and only while no later connection took it over."""

    def __init__(self, gateway: Gateway, wire: Wire) -> None:
        self._gateway = gateway
        self._wire = wire
        self._session: Session | None = None
        self._work: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None
        self._to_synthesise = asyncio.Event()
        self._to_send = asyncio.Event()

    # --- what others ask of a connection ---

    @property
    def has_session(self) -> bool:
        """Whether a `start` came on it."""
        return self._session is not None

    @property
    def bytes_taken(self) -> int:
        """How many bytes its socket has taken."""
        return self._wire.bytes_taken

    def superseded(self) -> None:
        """Close: another connection holds the session now."""
        assert self._session is not None
        if self._gateway.defects.supersedes(self._session.start.session_id):
            self._close(None, reason="superseded by a later connection of this session")

    def go_away(self) -> None:
        """Close with 1001: the gateway shuts down."""
        self._close(None, code=1001, reason="the gateway shuts down")

    def session_failed(self) -> None:
        """Tell the client why its session failed, past everything that waits, and close."""
        assert self._session is not None
        self._gateway.registry.forget(self._session)
        self._close(self._session.failure)

    # --- reading ---

    async def run(self) -> None:
        """Serve the connection until it is closed, whoever closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._gateway.guests[self] = task
        try:
            # What comes after our last message crossed it on the way: `close` reads that, and drops it.
            while self._closing is None and await self._read_one():
                pass
        finally:
            if self._closing is not None:
                await self._closing
            self._stop_work()
            if self._session is not None:
                self._gateway.registry.leave(self._session, self, monotonic_ns())
            self._wire.cut_if_stuck()
            del self._gateway.guests[self]

    async def _read_one(self) -> bool:
        wait_s = self._gateway.settings.start_timeout_s if self._session is None else None
        try:
            async with asyncio.timeout(wait_s):
                frame = await self._wire.next_frame()
            if frame is None:
                return False
            if self._closing is None:
                await self._take(decode_client(frame))
        except Malformed as error:
            self._refuse("bad_request", str(error))
        except ConnectionError:
            return False
        except TimeoutError:
            self._refuse("bad_request", f"type: no start came within {wait_s:g} s")
        return True

    async def _take(self, received: ClientMessage) -> None:
        defects, session = self._gateway.defects, self._session
        message = defects.message_in(received)
        if message is None:
            return
        if session is None:
            await self._open(message)
        else:
            if isinstance(message, TextDelta):
                self._gateway.tally.units_in += len(message.text)
            elif isinstance(message, Resume):
                self._gateway.tally.resumes += 1
                message = defects.resume(message)
            session.receive(message)
            self._stir()
        if pause_s := defects.message_pause_s(message.session_id):
            await asyncio.sleep(pause_s)

    async def _open(self, message: ClientMessage) -> None:
        engine, registry = self._gateway.engine, self._gateway.registry
        if self._gateway.draining:
            self.go_away()
            return
        if not isinstance(message, Start):
            kind = type(message).__struct_config__.tag
            self._refuse("bad_request", f"type: {kind!r} is not allowed in state WAIT_START", message)
            return
        if message.sample_rate not in engine.sample_rates:
            rates = ", ".join(map(str, sorted(engine.sample_rates)))
            self._refuse("bad_request", f"sample_rate: the {engine.name} engine gives {rates} only", message)
            return
        session = registry.find(message.session_id)
        if session is not None and session.start != message:
            self._refuse("bad_request", "channels, sample_rate: not those of the live session", message)
            return
        self._session = session = session or registry.create(message)
        resumed = session.attach()
        registry.hold(session, self)
        ack = StartAck(
            session_id=message.session_id,
            audio_format=message.audio_format,
            sample_rate=message.sample_rate,
            channels=message.channels,
            ttl_s=self._gateway.settings.ttl_s,
            wav_header=wav_header(message.sample_rate, message.channels),
            resumed=resumed,
            units_accepted=session.units_accepted if resumed else None,
            text_ended=session.state is not State.STREAMING if resumed else None,
            unit_tone=engine.unit_tone,
            unit_audio_ms=engine.unit_audio_ms,
        )
        # From here and not from the sender: whatever the next message does, the answer to `start` goes first.
        await self._speak(self._gateway.defects.outgoing(ack))
        self._work = [
            asyncio.create_task(self._synthesise(session)),
            asyncio.create_task(self._send(session)),
        ]

    def _refuse(self, code: ErrorCode, text: str, message: ClientMessage | None = None) -> None:
        if self._session is not None:
            self._session.fail(code, text)
            self._stir()
        else:
            self._close(Error(message.session_id if message else "", 0, code, text))

    # --- synthesis and sending ---

    def _stir(self) -> None:
        """Wake whoever has something to do now, and nobody else: most single units wake nobody."""
        session = self._session
        assert session is not None
        if session.failure is not None:
            self.session_failed()
            return
        if session.next_to_synthesise() is not None:
            self._to_synthesise.set()
        if session.sendable:
            self._to_send.set()

    async def _synthesise(self, session: Session) -> None:
        engine, defects, start = self._gateway.engine, self._gateway.defects, session.start
        while True:
            job = session.next_to_synthesise()
            if job is None:
                self._to_synthesise.clear()
                await self._to_synthesise.wait()
                continue
            try:
                if pause_s := defects.synthesis_pause_s(start.session_id, job.text):
                    await asyncio.sleep(pause_s)
                audio = await engine.synthesise(job.text, job.first_unit, start.sample_rate, start.channels)
                text, audio = defects.chunk(start.session_id, job.first_unit, job.text, audio)
            except Exception:
                _log.exception("synthesis failed")
                self._refuse("internal_error", "the speech engine failed")
                return
            session.synthesised(job, text, audio)
            self._gateway.registry.settle(session)
            self._stir()
            await asyncio.sleep(0)

    async def _send(self, session: Session) -> None:
        tally, defects = self._gateway.tally, self._gateway.defects
        try:
            while True:
                message = session.next_message()
                if message is None:
                    self._to_send.clear()
                    await self._to_send.wait()
                    continue
                self._gateway.registry.settle(session)
                if isinstance(message, TtsEnd):
                    self._close(message)
                    return
                tally.chunks_out += 1
                tally.audio_bytes_out += len(message.audio)
                async with defects.sending():
                    await self._speak(defects.outgoing(message))
                self._stir()
                await asyncio.sleep(0)
        except ConnectionError:
            return  # The reader sees the end of the connection too, and acts on it.

    async def _speak(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Cut):
                self._wire.cut()
            elif isinstance(step, Close):
                self._close(None, code=step.code)
                raise ConnectionResetError
            else:
                await self._wire.send(step if isinstance(step, bytes) else encode(step))

    # --- the end ---

    def _close(self, last: TtsEnd | Error | None, code: int = 1000, reason: str = "") -> None:
        if self._closing is None:
            self._stop_work()
            if isinstance(last, Error):
                self._gateway.tally.errors[last.code] += 1
            self._closing = asyncio.create_task(self._finish(last, code, reason))

    async def _finish(self, last: TtsEnd | Error | None, code: int, reason: str) -> None:
        last_words: list[bytes] = []
        for step in self._gateway.defects.end(last) if last is not None else ():
            if isinstance(step, Close):
                code = step.code
            elif isinstance(step, Pause | Cut):
                await self._wire.post(last_words)
                last_words = []
                await self._speak((step,))
            else:
                last_words.append(step if isinstance(step, bytes) else encode(step))
        answered = await self._wire.finish(last_words, code, reason)
        if answered and isinstance(last, TtsEnd) and self._session is not None:
            self._gateway.registry.end(self._session, self)

    def _stop_work(self) -> None:
        for task in self._work:
            if task is not asyncio.current_task():
                task.cancel()
