"""The catalogue carried out: each case on connections of its own, some at a time, each with a deadline."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from ..transport import Target
from .case import (
    BACK,
    BEGUN,
    CANCEL,
    NUMBERED,
    PAD,
    SESSION,
    START,
    Back,
    Case,
    Cut,
    Expire,
    Hear,
    HearUnits,
    Knock,
    NotTried,
    Open,
    Page,
    Raw,
    Say,
    Step,
)
from .catalogue import CATALOGUE
from .door import knock, look
from .expected import Expected, Fields, Refused, Seen
from .plain import PLAIN_V1, of_plain_v1
from .watch import Watch
from .wire import HandshakeRefused, Opcode, RawWire

CASE_LIMIT_S = 10.0
QUIET_S = 3.0
"""How long a step waits for what it wants to hear."""
LONGEST_TTL_S = 3.0
"""A gateway that keeps sessions for longer than this is not waited for."""
AT_ONCE = 12


class Finding(Struct, frozen=True):
    """One case with what was expected and seen. `skipped` is the reason why it could not be tried."""

    number: int
    id: str
    clause: str
    passed: bool
    expected: str
    seen: str
    skipped: str = ""


def select(include: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[Case]:
    """The cases whose id fits one of `include` (all, where none is given) and none of `exclude`."""
    return [
        case
        for case in CATALOGUE
        if (not include or any(fnmatchcase(case.id, glob) for glob in include))
        and not any(fnmatchcase(case.id, glob) for glob in exclude)
    ]


async def carry_out(cases: Iterable[Case], target: Target, run_id: str) -> list[Finding]:
    """Try all cases against a gateway; the findings are in the order of the cases."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Finding:
        async with turn:
            return await try_case(case, target, f"{run_id}-{case.id}")

    return list(await asyncio.gather(*(one(case) for case in cases)))


async def try_case(case: Case, target: Target, session_id: str) -> Finding:
    """Try one case; a plain v1 gateway is asked for no more than part 1 of the contract."""
    seen, skipped = await _played(case.steps, target, session_id)
    passed = not skipped and _met(case.expected, seen)
    plain = of_plain_v1(case.expected)
    if not passed and not skipped and plain != case.expected and await _speaks_plain_v1(target, session_id):
        passed = _met(plain, seen)
        skipped = PLAIN_V1 if not passed and not isinstance(case.expected, Refused) else ""
    return Finding(
        number=CATALOGUE.index(case) + 1,
        id=case.id,
        clause=case.clause,
        passed=passed,
        expected=case.expected.described(),
        seen=skipped or seen.described(),
        skipped=skipped,
    )


async def _played(steps: Sequence[Step], target: Target, session_id: str) -> tuple[Seen, str]:
    """Take the steps and return what was seen, and the reason why they could not be taken."""
    stage = Stage(target, session_id)
    try:
        async with asyncio.timeout(CASE_LIMIT_S):
            await stage.play(steps)
    except TimeoutError:
        stage.seen.trouble = f"not over within {CASE_LIMIT_S:g} s"
    except NotTried as reason:
        return stage.seen, str(reason)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        stage.seen.trouble = str(error) or type(error).__name__
    finally:
        stage.leave()
    return stage.seen, ""


def _met(expected: Expected, seen: Seen) -> bool:
    return not seen.trouble and expected.met(seen)


async def _speaks_plain_v1(target: Target, session_id: str) -> bool:
    """Whether `start_ack` of a live session has none of part 2's added fields."""
    seen, skipped = await _played((*BEGUN, Cut(), *BACK, CANCEL), target, f"{session_id}-again")
    ack = next((message for message in seen.messages if message["type"] == "start_ack"), None)
    return not skipped and ack is not None and not {"resumed", "units_accepted"} & set(ack)


class Stage:
    """Where one case is played: its connections, and what was seen on the latest."""

    def __init__(self, target: Target, session_id: str) -> None:
        self.seen = Seen()
        self._target = target
        self._session_id = session_id
        self._wires: list[RawWire] = []
        self._watch: Watch
        self._next_seq = 0
        self._ttl_s = 0.0

    @property
    def _wire(self) -> RawWire:
        return self._wires[-1]

    async def play(self, steps: Iterable[Step]) -> None:
        """Take the steps, then read until the gateway closes."""
        for step in steps:
            await self._take(step)
        while self._wires and self.seen.close_code is None:
            await self._read()

    def leave(self) -> None:
        """Let all connections go."""
        for wire in self._wires:
            wire.drop()

    async def _take(self, step: Step) -> None:
        if not self._wires and not isinstance(step, Page | Knock):
            await self._open()
        match step:
            case Page():
                self.seen.answer = await look(step.name, self._target)
            case Knock():
                self.seen.answer = await knock(step.key, self._target, self._session_id)
            case Say():
                self._wire.send(self._filled(step))
            case Raw():
                self._wire.send(self._padded(step), step.opcode, fin=step.fin, rsv=step.rsv, mask=step.mask)
            case Hear():
                await self._read_until(step.kind)
            case HearUnits():
                await self._read_until_unit(step.last_unit)
            case Open():
                await self._open()
            case Back():
                self._go_back()
            case Cut():
                self._wire.reset()
                await self._open()
            case Expire():
                if not 0 < self._ttl_s <= LONGEST_TTL_S:
                    raise NotTried(f"ttl_s is {self._ttl_s:g}: sessions that live for over {LONGEST_TTL_S:g} s")
                self._wire.reset()
                await asyncio.sleep(self._ttl_s + 1)
                await self._open()

    def _go_back(self) -> None:
        if not any(message.get("resumed") for message in self.seen.messages):
            raise NotTried("no start_ack says resumed: what becomes of the connection before is left open to plain v1")
        self._turn_to(self._wires[-2])

    async def _open(self) -> None:
        try:
            self._turn_to(await RawWire.open(self._target))
        except HandshakeRefused as refused:
            raise NotTried(f"no WebSocket at all: {refused}") from None

    def _turn_to(self, wire: RawWire) -> None:
        self._watch = Watch(START | {"session_id": self._session_id}, fresh=not self._wires)
        self.seen = Seen(faults=self._watch.faults, understood=self._watch.understood)
        self._wires.append(wire)

    def _filled(self, step: Say) -> bytes:
        fields: Fields = {"session_id": self._session_id} | step.fields
        if fields.get("type") in NUMBERED:
            seq = fields.setdefault("seq", self._next_seq)
            self._next_seq = seq + 1 if type(seq) is int else self._next_seq
        fields.pop(step.without, None)
        if fields.get("type") == "start":
            self._watch.asked = fields
        elif fields.get("type") == "resume":
            self._watch.replay_asked()
        return json.dumps(fields).encode()

    def _padded(self, step: Raw) -> bytes:
        payload = step.payload.replace(SESSION, self._session_id.encode())
        return payload.replace(PAD, b"x" * (step.size_bytes - len(payload) + len(PAD)))

    async def _read_until(self, kind: str) -> None:
        heard = len(self.seen.messages), len(self.seen.pongs)
        try:
            async with asyncio.timeout(QUIET_S):
                while not self._has_come(kind, heard):
                    await self._read()
        except TimeoutError:
            raise ConnectionError(f"no {kind} came within {QUIET_S:g} s") from None

    def _has_come(self, kind: str, before: tuple[int, int]) -> bool:
        messages, pongs = before
        if kind == "close":
            return self.seen.close_code is not None
        if kind == "eof":
            return self.seen.eof
        if kind == "pong":
            return len(self.seen.pongs) > pongs
        if self.seen.close_code is not None:
            raise ConnectionError(f"no {kind} came")
        return any(message["type"] == kind for message in self.seen.messages[messages:])

    async def _read_until_unit(self, last_unit: int) -> None:
        try:
            async with asyncio.timeout(QUIET_S):
                while not any(message.get("unit_index_end") == last_unit for message in self.seen.messages):
                    if self.seen.close_code is not None:
                        raise ConnectionError(f"no chunk up to unit {last_unit} came")
                    await self._read()
        except TimeoutError:
            raise ConnectionError(f"no chunk up to unit {last_unit} came within {QUIET_S:g} s") from None

    async def _read(self) -> None:
        """Take one frame in; the end of the connection is seen, not raised."""
        try:
            frame = await self._wire.receive()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.seen.eof = True
            self.seen.close_code = self.seen.close_code or 1006
            return
        match frame.opcode:
            case Opcode.TEXT:
                self._heard(frame.payload)
            case Opcode.PONG:
                self.seen.pongs.append(frame.payload)
            case Opcode.PING:
                self._wire.send(frame.payload, Opcode.PONG)
            case Opcode.CLOSE:
                self.seen.close_code = int.from_bytes(frame.payload[:2], "big") if frame.payload else 1005
                self._wire.send(frame.payload, Opcode.CLOSE)
            case _:
                self.seen.trouble = f"frame with opcode {frame.opcode}"

    def _heard(self, payload: bytes) -> None:
        try:
            message = json.loads(payload)
            kind = message["type"]
        except (ValueError, TypeError, KeyError):
            self.seen.trouble = f"a text frame that is no message: {payload[:60]!r}"
            return
        if kind == "start_ack":
            ttl_s = message.get("ttl_s")
            self._ttl_s = float(ttl_s) if isinstance(ttl_s, int | float) else 0.0
        self.seen.messages.append(message)
        self._watch.hear(payload)
