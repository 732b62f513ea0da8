"""From `--defect NAME[:ARGS]` to one object that the gateway asks: several defects act one after another."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from pytest_wdtts.protocol import AudioChunk, ClientMessage, Error, Resume, ServerMessage, TtsEnd

from ..session import Limits
from .chance import DEFECTS, Defect
from .seam import Close, Cut, Defects, Pause, Step


class UnknownDefect(ValueError):
    """No defect has this name; the text lists those that exist."""


def switch_on(requests: Sequence[str]) -> Defects:
    """Return the defects that `NAME[:ARGS]` requests ask for. Raises `UnknownDefect` and `WrongArgument`."""
    chosen = [_find(name).of(arguments) for name, _, arguments in (request.partition(":") for request in requests)]
    match chosen:
        case []:
            return Defects()
        case [one]:
            return one
        case _:
            return Several(chosen)


def _find(name: str) -> type[Defect]:
    if name not in DEFECTS:
        raise UnknownDefect(f"--defect {name!r} is unknown; valid names: {', '.join(sorted(DEFECTS))}")
    return DEFECTS[name]


class Several(Defects):
    """Each defect sees what the one before it made."""

    def __init__(self, parts: Sequence[Defects]) -> None:
        self._parts = parts

    def limits(self, limits: Limits) -> Limits:
        """All of them, in turn."""
        for part in self._parts:
            limits = part.limits(limits)
        return limits

    def accept_pause_s(self) -> float:
        """The sum, unless one refuses."""
        pauses = [part.accept_pause_s() for part in self._parts]
        return min(pauses) if min(pauses) < 0 else sum(pauses)

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        """Until one of them loses it."""
        seen: ClientMessage | None = message
        for part in self._parts:
            if seen is not None:
                seen = part.message_in(seen)
        return seen

    def message_pause_s(self, session_id: str) -> float:
        """The sum."""
        return sum(part.message_pause_s(session_id) for part in self._parts)

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        """The sum."""
        return sum(part.synthesis_pause_s(session_id, text) for part in self._parts)

    def chunk(self, session_id: str, first_unit: int, text: str, audio: bytes) -> tuple[str, bytes]:
        """All of them, in turn."""
        for part in self._parts:
            text, audio = part.chunk(session_id, first_unit, text, audio)
        return text, audio

    def resume(self, message: Resume) -> Resume:
        """All of them, in turn."""
        for part in self._parts:
            message = part.resume(message)
        return message

    def supersedes(self, session_id: str) -> bool:
        """Only where all do."""
        return all(part.supersedes(session_id) for part in self._parts)

    def sending(self) -> AbstractAsyncContextManager[object]:
        """All of them at once."""
        return _held(self._parts)

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        """All of them, in turn; what is no message passes."""
        steps: list[Step] = [message]
        for part in self._parts:
            steps = [
                new
                for step in steps
                for new in ((step,) if isinstance(step, bytes | Pause | Cut | Close) else part.outgoing(step))
            ]
        return steps

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        """All of them, in turn; only ends are theirs."""
        steps: list[Step] = [message]
        for part in self._parts:
            steps = [new for step in steps for new in (part.end(step) if isinstance(step, TtsEnd | Error) else (step,))]
        return steps


@asynccontextmanager
async def _held(parts: Sequence[Defects]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for part in parts:
            await stack.enter_async_context(part.sending())
        yield
