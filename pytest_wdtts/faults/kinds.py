"""What can be broken on the client's side: each fault a value with its time, its interval and its heal."""

from typing import Literal

from msgspec import Struct

How = Literal["close", "reset", "silence", "within_frame"]
HOWS: tuple[How, ...] = ("close", "reset", "silence", "within_frame")
MOMENTS = ("before_audio", "mid_stream", "flushing")


class Disconnect(Struct, frozen=True, kw_only=True, tag="disconnect", tag_field="fault"):
    """Cut session `session` at `at_ns`; it returns `delay_ns` later, with `resume` or as a new session.

    `with_text_end` moves it to the very moment after `text_end` left: a gateway flushes within a millisecond.
    `close` is a closing handshake, `reset` a TCP reset, `silence` a half-open connection, `within_frame` a
    reset when a part of an audio chunk's frame has come.
    """

    session: int
    at_ns: int
    delay_ns: int
    how: How = "reset"
    resume: bool = True
    with_text_end: bool = False

    @property
    def heals_ns(self) -> int:
        """When the session is back on its way."""
        return self.at_ns + self.delay_ns


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel", tag_field="fault"):
    """Cancel session `session` at `at_ns`, or right after its `text_end`; there is nothing to heal."""

    session: int
    at_ns: int
    with_text_end: bool = False

    @property
    def heals_ns(self) -> int:
        """At once: the session is over."""
        return self.at_ns


class SlowReader(Struct, frozen=True, kw_only=True, tag="slow_reader", tag_field="fault"):
    """Session `session` stops reading its socket at `at_ns` for `pause_ns`, while it goes on sending.

    With `read_bytes_per_s` above 0 it reads that much instead of nothing.
    """

    session: int
    at_ns: int
    pause_ns: int
    read_bytes_per_s: int = 0

    @property
    def heals_ns(self) -> int:
        """When it reads again."""
        return self.at_ns + self.pause_ns


Fault = Disconnect | Cancel | SlowReader


class GatewayFault(Struct, frozen=True, kw_only=True):
    """Break the gateway itself at `at_ns`; `how` is the name of the share. `takes_away`: connections die of it."""

    how: str
    at_ns: int
    down_ns: int
    takes_away: bool = True

    @property
    def heals_ns(self) -> int:
        """When the gateway is asked to work again; until it does is its own affair, and is recorded."""
        return self.at_ns + self.down_ns
