"""The system under test behind one interface: brought up, reached by URL, watched, broken, taken down."""

from typing import Protocol

from msgspec import Struct, field


class Gateway(Struct, frozen=True):
    """A gateway that answers: where it is, and what its health page says of it ({} where it has none)."""

    url: str
    api_key: str = ""
    health: dict[str, object] = field(default_factory=dict)

    @property
    def dummy_engine(self) -> bool:
        """Whether its voice is the contract's dummy: 40 ms of audible tone per unit."""
        return self.health.get("engine_resolved") == "dummy" and "unit_audio_ms" not in self.health


class Stack(Protocol):
    """One way to have a gateway. `start` raises `StackError` with the reason; `stop` never raises."""

    name: str
    breaks: frozenset[str]
    """Names of the faults of the gateway itself that this stack can carry out and heal."""

    def start(self) -> Gateway:
        """Bring it up, wait until it answers, and return it."""
        ...

    def stop(self) -> None:
        """Take down what `start` brought up."""

    def break_down(self, how: str) -> None:
        """Do what a fault of the gateway itself says; `OwnFailure` where this stack cannot."""

    def mend(self, how: str) -> None:
        """Undo it, and wait until the gateway answers again."""

    def pids(self) -> list[int] | None:
        """Processes of the gateway on this machine, for sampling; empty where they cannot be seen.

        None where another part of the run looks at the gateway, by its processes or its metrics page.
        """
        ...

    def containers(self) -> dict[str, int]:
        """The main process of each container by its service, for sampling; {} where there are none to be seen."""
        ...
