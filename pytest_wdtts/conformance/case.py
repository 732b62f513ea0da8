"""What a case of the catalogue is made of: steps that a client takes; what has to come of them is in `expected`."""

import struct
from collections.abc import Iterable

from msgspec import Struct

from .expected import Expected, Fields
from .wire import Opcode

START: Fields = {"type": "start", "audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1}
NUMBERED = ("text_delta", "text_end", "cancel")
"""The messages of the client that have a `seq`."""
FORMAT_FIELDS = ("audio_format", "sample_rate", "channels")
SESSION, PAD = b"{session}", b"{pad}"


class Say(Struct, frozen=True):
    """Send one JSON message; `without` leaves a field out.

    The session's id is filled in where the fields name none, and `seq` where a message needs one: it grows by one.
    """

    fields: Fields
    without: str = ""


class Raw(Struct, frozen=True, kw_only=True):
    """Send one frame as it is, with the session's id for `SESSION` and as much for `PAD` as makes `size_bytes`."""

    payload: bytes
    size_bytes: int = 0
    opcode: int = Opcode.TEXT
    fin: bool = True
    rsv: int = 0
    mask: bool = True


class Hear(Struct, frozen=True):
    """Read until a message of this type has come, a "pong", a "close" frame, or the "eof" after it."""

    kind: str


class HearUnits(Struct, frozen=True):
    """Read until a chunk that ends with this unit has come."""

    last_unit: int


class Open(Struct, frozen=True):
    """Go on with a new connection; the old one is kept open."""


class Back(Struct, frozen=True):
    """Go on with the connection before the latest, which has taken its session over."""


class Cut(Struct, frozen=True):
    """Reset the connection, and go on with a new one."""


class Expire(Struct, frozen=True):
    """Cut, stay away for longer than the `ttl_s` that `start_ack` gave, and come back."""


class Page(Struct, frozen=True):
    """Ask for the page of this name beside `/tts`, and no more."""

    name: str


class Knock(Struct, frozen=True):
    """Try to begin a session, showing the key in this way, and no more."""

    key: str


Step = Say | Raw | Hear | HearUnits | Open | Back | Cut | Expire | Page | Knock


class NotTried(Exception):
    """A case that this gateway's settings leave no way to try; the text says why."""


class Case(Struct, frozen=True):
    """One case: `clause` is where the contract says so."""

    id: str
    clause: str
    steps: tuple[Step, ...]
    expected: Expected


def say(kind: str, **fields: object) -> Say:
    """Send a message of this type."""
    return Say({"type": kind, **fields})


def start(**fields: object) -> Say:
    """Send `start`, with the fields that every gateway takes unless others are given."""
    return Say(START | fields)


def delta(text: str, **fields: object) -> Say:
    """Send `text_delta`."""
    return say("text_delta", text=text, **fields)


TEXT_END = say("text_end")
CANCEL = say("cancel")
BEGUN: tuple[Step, ...] = (start(), Hear("start_ack"))
BACK = BEGUN
"""The same on a new connection: `start` for a session that may live already."""


def resume(last_unit: object) -> Say:
    """Send `resume`."""
    return say("resume", last_unit_index_received=last_unit)


def frames(parts: Iterable[bytes]) -> tuple[Raw, ...]:
    """One text message in several frames."""
    pieces = list(parts)
    return tuple(
        Raw(
            payload=piece,
            opcode=Opcode.TEXT if place == 0 else Opcode.CONTINUATION,
            fin=place == len(pieces) - 1,
        )
        for place, piece in enumerate(pieces)
    )


def close_frame(code: int) -> Raw:
    """A close frame with this code."""
    return Raw(payload=struct.pack("!H", code), opcode=Opcode.CLOSE)
