"""Defects of time: drift, tails, stalls, and one client who makes others wait."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from pytest_wdtts.protocol import ClientMessage, Start

from .chance import ByChance, Defect, OfConnections


@dataclass(kw_only=True)
class ServiceDrift(Defect):
    """Synthesis of a chunk takes `ms_per_s` longer with every second."""

    ms_per_s: float = 10.0

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        return max(0.0, self.elapsed_s - self.start_s) * self.ms_per_s / 1000


@dataclass(kw_only=True)
class LongTail(ByChance):
    """A share of the chunks comes `seconds` late."""

    seconds: float = 2.0

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        return self.seconds if self.strikes() else 0.0


@dataclass(kw_only=True)
class Stall(Defect):
    """From `start_s` on nobody is served for `seconds`."""

    start_s: float = 5.0
    seconds: float = 2.0

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        left_s = self.start_s + self.seconds - self.elapsed_s
        return left_s if 0 < left_s <= self.seconds else 0.0


@dataclass(kw_only=True)
class SynthesisOnLoop(Defect):
    """Synthesis holds the event loop for `ms` a chunk: everybody waits for everybody."""

    ms: float = 30.0

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        if self.begun:
            time.sleep(self.ms / 1000)
        return 0.0


@dataclass(kw_only=True)
class LoopBlocked(Defect):
    """Every `every_s` the event loop stands still for `ms`, as in a blocking call or a long collection of garbage."""

    ms: float = 300.0
    every_s: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._next_s = self.start_s + self.random.uniform(0, self.every_s)

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        if self.elapsed_s >= self._next_s:
            time.sleep(self.ms / 1000)
            self._next_s += self.every_s
        return 0.0


@dataclass(kw_only=True)
class CpuPerUnit(Defect):
    """Synthesis burns `ms` of processor time a unit on the event loop: above a number of sessions there is a queue."""

    ms: float = 2.0

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        if self.begun:
            until_s = time.thread_time() + len(text) * self.ms / 1000
            while time.thread_time() < until_s:
                pass
        return 0.0


class SlowReaderBlocks(Defect):
    """One message at a time is handed to the sockets of all: a socket that takes nothing stops everybody."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._turn = asyncio.Lock()

    def sending(self) -> AbstractAsyncContextManager[object]:
        return self._turn


@dataclass(kw_only=True)
class LogOnLoop(Defect):
    """Every chunk writes `kib` of log from the event loop: while nobody takes the log, nobody is served."""

    kib: float = 8.0

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        if self.begun:
            print(f"chunk of {session_id}: ".ljust(int(self.kib * 1024), "."), flush=True)
        return 0.0


@dataclass(kw_only=True)
class SlowAccept(OfConnections):
    """A share of connections waits `seconds` for its upgrade."""

    share: float = 0.1
    seconds: float = 1.5

    def accept_pause_s(self) -> float:
        return self.seconds if self.strikes_next() else 0.0


@dataclass(kw_only=True)
class LaterIsSlower(Defect):
    """Every session waits `ms` longer for its first audio than the one before it."""

    ms: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._place: dict[str, int] = {}
        self._served: set[str] = set()

    def message_in(self, message: ClientMessage) -> ClientMessage | None:
        if isinstance(message, Start) and self.begun:
            self._place.setdefault(message.session_id, len(self._place))
        return message

    def synthesis_pause_s(self, session_id: str, text: str) -> float:
        if session_id in self._served:
            return 0.0
        self._served.add(session_id)
        return self._place.get(session_id, 0) * self.ms / 1000
