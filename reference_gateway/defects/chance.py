"""A defect that can be switched on, and what its strikes hang on: a time, a share of chunks, a share of sessions.

Every random choice comes from a seed (`seed=`, else `WS_TTS_DEFECT_SEED`, else 1): the same run meets the same
strikes, as far as the order of its sessions is the same.
"""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from random import Random
from time import monotonic
from typing import ClassVar

from pytest_wdtts.protocol import AudioChunk, ServerMessage

from .seam import Defects, Step

_FOUND: "dict[str, type[Defect]]" = {}
DEFECTS: "Mapping[str, type[Defect]]" = _FOUND
"""Every defect by its name: the name of its class in lower case."""


class WrongArgument(ValueError):
    """An argument that a defect does not have, or that cannot be its value; the text names the valid ones."""


def _default_seed() -> int:
    return int(os.environ.get("WS_TTS_DEFECT_SEED", "1"))


@dataclass(kw_only=True)
class Defect(Defects):
    """One misbehaviour. Fields are its arguments; it begins `start_s` after the first client came."""

    name: ClassVar[str] = ""
    start_s: float = 0.0
    seed: int = field(default_factory=_default_seed)

    def __init_subclass__(cls, abstract: bool = False) -> None:
        """Give a defect its name and its place in the table."""
        if not abstract:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
            _FOUND[cls.name] = cls

    def __post_init__(self) -> None:
        self.random = Random(f"{self.seed}/{self.name}")
        self._first_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """Time since this was first asked, which is when the first client came."""
        now_s = monotonic()
        if self._first_s is None:
            self._first_s = now_s
        return now_s - self._first_s

    @property
    def begun(self) -> bool:
        """Whether `start_s` is over."""
        return self.elapsed_s >= self.start_s

    @classmethod
    def of(cls, arguments: str) -> "Defect":
        """Make one of `NAME=NUMBER,...`. Raises `WrongArgument`."""
        kinds = {one.name: int if one.name == "seed" else float for one in fields(cls)}
        given: dict[str, float] = {}
        for pair in filter(None, arguments.split(",")):
            key, _, value = pair.partition("=")
            if key not in kinds:
                raise WrongArgument(f"--defect {cls.name}: no argument {key!r}; valid: {', '.join(kinds)}")
            try:
                given[key] = kinds[key](value)
            except ValueError:
                raise WrongArgument(f"--defect {cls.name}: {key}={value!r} is no number") from None
            most = 1.0 if key in ("rate", "share") else math.inf
            if key != "seed" and not (0 <= given[key] <= most and math.isfinite(given[key])):
                valid = "a number from 0 to 1" if key in ("rate", "share") else "a number of 0 or more"
                raise WrongArgument(f"--defect {cls.name}: {key}={value!r}: expected {valid}")
        return cls(**given)  # type: ignore[arg-type]


@dataclass(kw_only=True)
class ByChance(Defect, abstract=True):
    """Strikes a share of all chunks, each by chance."""

    rate: float = 0.01

    def strikes(self) -> bool:
        """Throw the dice for one chunk."""
        return self.begun and self.random.random() < self.rate


class OfChunks(ByChance, abstract=True):
    """Spoils the chunks that it strikes on their way out."""

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        """Spoil a chunk that is struck."""
        if isinstance(message, AudioChunk) and self.strikes():
            return self.spoil(message)
        return (message,)

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        """Return what goes out instead of this chunk."""
        raise NotImplementedError


@dataclass(kw_only=True)
class OfSessions(Defect, abstract=True):
    """Strikes a share of those sessions that come to where it lurks.

    Evenly, not by chance: one of the first four, however small the share, and of 1 % then every hundredth.
    """

    share: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        self._due = 1 - self.random.uniform(0, min(0.25, 4 * self.share)) if self.share else 0.0
        self._chosen: dict[str, bool] = {}

    def strikes(self, session_id: str) -> bool:
        """Return whether this session is struck: the same answer for the session's whole life."""
        if session_id not in self._chosen:
            if not self.begun:
                return False
            self._due += self.share
            self._chosen[session_id] = self._due >= 1
            self._due %= 1
        return self._chosen[session_id]


class OfConnections(OfSessions, abstract=True):
    """Strikes a share of connections, before anybody knows whose they are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._connections = 0

    def strikes_next(self) -> bool:
        """Return whether the connection that comes now is struck."""
        self._connections += 1
        return self.strikes(f"connection {self._connections}")


class RemembersAudio(OfSessions, abstract=True):
    """Keeps the latest chunk of every session, to send it where it has no place."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.latest: dict[str, AudioChunk] = {}

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        """Take note of a chunk that goes out."""
        if isinstance(message, AudioChunk):
            self.latest[message.session_id] = message
        return (message,)
