"""The evidence of one run as one value: what was planned, what was seen, and of what machine."""

from msgspec import Struct, field

from ..load import LoadPlan
from .session import SessionRecord
from .shelf import AudioShelf

SCHEMA = "wdtts.run/1"


class GatewaySample(Struct, frozen=True, array_like=True):
    """The gateway at one time, from its process or its metrics page; -1 where a figure cannot be had.

    `unsent_bytes` is what its health page says.
    """

    at_ns: int
    cpu_s: float
    rss_bytes: int
    sockets: int
    unsent_bytes: int = -1


class ContainerSample(Struct, frozen=True, array_like=True):
    """One container of the stack at one time. `cpu_s` and `throttled_s` count up from its start.

    `throttled_s` is how long its processes wanted to run and its CPU limit kept them from it, summed over cores.
    """

    at_ns: int
    service: str
    cpu_s: float
    rss_bytes: int
    sockets: int
    throttled_s: float


class Window(Struct, frozen=True):
    """A span of the run's time, ns from the origin, the end not included."""

    start_ns: int
    end_ns: int


class RunHeader(Struct, frozen=True, kw_only=True, tag="run", tag_field="line"):
    """What is known before the first unit is sent.

    `origin_unix_s` is the wall clock at the run's origin; `order` is what was asked for, so that it can be asked for
    again.
    """

    schema: str = SCHEMA
    scenario: str
    run_id: str
    url: str
    stack: str
    load: LoadPlan
    faults: dict[str, dict[str, object]] = field(default_factory=dict)
    planned_faults: list[dict[str, object]] = field(default_factory=list)
    corpus_sha256: str = ""
    origin_unix_s: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)
    gateway: dict[str, object] = field(default_factory=dict)
    order: dict[str, object] = field(default_factory=dict)


class RunFooter(Struct, frozen=True, kw_only=True, tag="end", tag_field="line"):
    """How the run ended: `stopped` is empty for a whole run, else why it is partial."""

    end_ns: int
    stopped: str = ""
    generator_cpu_s: float = 0.0
    injected: dict[str, int] = field(default_factory=dict)


class SampleLine(Struct, frozen=True, tag="gateway", tag_field="line"):
    """One sample of the gateway's process, as a journal line."""

    sample: GatewaySample


class ContainerLine(Struct, frozen=True, tag="container", tag_field="line"):
    """One sample of one container, as a journal line."""

    sample: ContainerSample


class LoopDelayLine(Struct, frozen=True, tag="loop_delay", tag_field="line"):
    """Delays of our own event loop since the last such line."""

    at_ns: int
    delays_ns: list[int]


class GatewayFaultLine(Struct, frozen=True, tag="gateway_fault", tag_field="line"):
    """The gateway itself was broken; `healed_ns` is when it answered again."""

    how: str
    at_ns: int
    healed_ns: int


class RunResult:
    """A run's evidence: serialisable through the journal, mergeable, judged by pure code."""

    def __init__(self, header: RunHeader) -> None:
        self.header = header
        self.sessions: list[SessionRecord] = []
        self.probes: list[SessionRecord] = []
        self.samples: list[GatewaySample] = []
        self.container_samples: list[ContainerSample] = []
        self.loop_delays_ns: list[int] = []
        self.gateway_faults: list[GatewayFaultLine] = []
        self.injected: dict[str, int] = {}
        self.footer: RunFooter | None = None
        self.shelf = AudioShelf()
        """Sound is kept for those who look at a live run; the journal has none."""

    def add(self, record: SessionRecord) -> None:
        """File a record where its plan says: with the load, or with the probes."""
        (self.probes if record.plan.probe else self.sessions).append(record)

    @property
    def end_ns(self) -> int:
        """When the run ended, or the last thing seen where it did not end by itself."""
        if self.footer:
            return self.footer.end_ns
        return max((record.events[-1].at_ns for record in self.sessions if record.events), default=0)
