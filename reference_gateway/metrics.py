"""What the gateway counts. Plain numbers on the hot path; Prometheus sees them only when it asks."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_PREFIX = "wdtts_gateway_"


@dataclass(slots=True)
class Tally:
    """Counts since the start."""

    sessions_started: int = 0
    sessions_expired: int = 0
    resumes: int = 0
    units_in: int = 0
    chunks_out: int = 0
    audio_bytes_out: int = 0
    refused_upgrades: int = 0
    errors: "Counter[str]" = field(default_factory=Counter)
    """By code."""


_COUNTERS = {
    "sessions_started": "Sessions that a start opened",
    "sessions_expired": "Sessions freed because their client stayed away",
    "resumes": "resume messages taken",
    "units_in": "Units of text received",
    "chunks_out": "audio_chunk messages sent, replays included",
    "audio_bytes_out": "Bytes of PCM sent, replays included",
    "refused_upgrades": "Upgrades answered with 401 or 503",
}


class Exposition(Collector):
    """The tally and some gauges as Prometheus families."""

    def __init__(self, tally: Tally, gauges: dict[str, tuple[str, Callable[[], float]]]) -> None:
        self._tally = tally
        self._gauges = gauges
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(_PREFIX + name, text, value=getattr(self._tally, name))
        errors = CounterMetricFamily(_PREFIX + "errors", "error messages by code", labels=["code"])
        for code, count in self._tally.errors.items():
            errors.add_metric([code], count)
        yield errors
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(_PREFIX + name, text, value=read())
