"""The closed set of causes, what one judge says of one cause, and what all of them say together."""

from enum import StrEnum

from msgspec import Struct

Value = float | int | str


class Cause(StrEnum):
    """Why it is slow. An earlier one explains what it does to the figures of a later one."""

    GENERATOR = "our_generator"
    NETWORK = "network_or_proxy"
    SLOW_READERS = "slow_readers_hurt_others"
    DRIFT = "gateway_leaks_or_drifts"
    SATURATED = "gateway_saturated"
    STALLS = "gateway_stalls"
    FLUSH = "flush_granularity"
    NONE = "none_found"
    UNKNOWN = "cannot_tell"


class Confidence(StrEnum):
    """How sure; how often each level was wrong is in `calibrated`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Fact(Struct, frozen=True):
    """One thing that was seen, as a key of the sentences in both languages and the figures that go into it."""

    key: str
    values: dict[str, Value] = {}


class Finding(Struct, frozen=True, kw_only=True):
    """What speaks for one cause and what against it.

    `strength` is the decisive figure as a multiple of what is needed to name the cause: from 1 on it is named.
    `assessable` is False where the experiments could not show the cause, whatever the gateway does.
    """

    cause: Cause
    strength: float = 0.0
    assessable: bool = True
    evidence_for: tuple[Fact, ...] = ()
    evidence_against: tuple[Fact, ...] = ()

    @property
    def named(self) -> bool:
        """Whether the evidence is enough to name the cause."""
        return self.strength >= 1.0


def fact(key: str, **values: Value) -> Fact:
    """One fact; floats are rounded to what a reader can use."""
    return Fact(key, {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()})


def weighed(cause: Cause, strength: float, told: Fact, *more: Fact) -> Finding:
    """A finding that rests on one figure: it speaks for the cause where it is enough to name it, else against it."""
    if strength >= 1.0:
        return Finding(cause=cause, strength=strength, evidence_for=(told, *more))
    return Finding(cause=cause, strength=max(0.0, strength), evidence_against=(told,))
