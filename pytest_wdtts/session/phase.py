"""Where a conversation can stand, and how long the gateway may leave it waiting there."""

from enum import Enum

from msgspec import Struct


class Phase(Enum):
    """Where a conversation stands."""

    NEW = "new"
    OPENING = "opening"
    STREAMING = "streaming"
    FLUSHING = "flushing"
    AWAY = "away"
    REOPENING = "reopening"
    CLOSING = "closing"
    ENDED = "ended"


class Wait(Struct, frozen=True):
    """How long to wait in a phase, and what is missing when the time is over."""

    limit_s: float
    missing: str

    @property
    def message(self) -> str:
        """What the record says of a wait that was in vain."""
        return f"{self.missing} within {self.limit_s:g} s"


WAITS = {
    Phase.NEW: Wait(10.0, "no WebSocket connection"),
    Phase.OPENING: Wait(10.0, "no start_ack"),
    Phase.REOPENING: Wait(10.0, "no start_ack after the return"),
    Phase.FLUSHING: Wait(10.0, "no tts_end"),
    Phase.CLOSING: Wait(5.0, "connection left open after the end"),
}
"""In FLUSHING the wait starts anew with every chunk; in the other phases nobody waits for the gateway."""
