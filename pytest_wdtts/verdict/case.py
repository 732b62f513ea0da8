"""A run laid out for judging: ledgers, measures and the fault plan, each computed once."""

from functools import cached_property

import numpy as np
from msgspec import convert
from numpy.typing import NDArray

from ..clock import NS_PER_S
from ..faults import GATEWAY_BREAKS, Fault, SlowReader
from ..ledger import SessionLedger, account
from ..protocol import FLUSH_MARKS, MAX_PENDING_UNITS
from ..record import PLANNED_LEAVE, EventKind, RunResult, SessionEvent, SessionRecord
from ..record.histogram import Nanoseconds, histogram, percentiles_ms
from ..record.measures import Measures, Series
from .limits import Limits
from .row import Evidence, evidence

RECOVERY_NS = NS_PER_S
"""After a planned stretch the backlog comes in: that is still the plan's doing."""


def flushed_late(text: str) -> bool:
    """Whether v1's rule would have made more than one chunk of this one."""
    return len(text) > MAX_PENDING_UNITS or any(unit in FLUSH_MARKS for unit in text[:-1])


class Case:
    """One run before its judges."""

    def __init__(self, result: RunResult, limits: Limits | None = None) -> None:
        self.result = result
        self.limits = limits or Limits()
        self.header = result.header
        self.faults: tuple[Fault, ...] = convert(result.header.planned_faults, tuple[Fault, ...])

    @property
    def records(self) -> list[SessionRecord]:
        """The load's sessions and the probes: the ledger's rules hold for both."""
        return [*self.result.sessions, *self.result.probes]

    @cached_property
    def ledgers(self) -> list[SessionLedger]:
        """One ledger for each of `records`."""
        return [account(record, self.is_slow_reader(record)) for record in self.records]

    @cached_property
    def load_ledgers(self) -> list[SessionLedger]:
        """The ledgers of the planned load alone."""
        return self.ledgers[: len(self.result.sessions)]

    @property
    def cut_short(self) -> str:
        """Why the run did not go to its end; "" where it did."""
        if self.result.footer is None:
            return "the journal has no end: the process was killed"
        return self.result.footer.stopped

    @cached_property
    def nothing_sent(self) -> str:
        """Why nothing can be said of units; "" where some of the load were sent, or we ourselves broke off."""
        return "" if self.cut_short or any(ledger.sent for ledger in self.load_ledgers) else "no unit was sent"

    @cached_property
    def nothing_heard(self) -> str:
        """Why nothing can be said of chunks; "" where some came, or we ourselves broke off."""
        return "" if self.cut_short or any(record.received_ns for record in self.records) else "no audio came"

    @cached_property
    def measures(self) -> Measures:
        """All measures of the planned load."""
        return Measures.of(self.result.sessions)

    @cached_property
    def loop_delay_ms(self) -> dict[str, float]:
        """Figures of our own event loop's delays."""
        return percentiles_ms(histogram(np.array(self.result.loop_delays_ns, dtype=np.int64)))

    @cached_property
    def untouched(self) -> list[SessionRecord]:
        """The load's sessions that have nothing in the fault plan."""
        touched = {fault.session for fault in self.faults}
        return [record for record in self.result.sessions if record.plan.index not in touched]

    @cached_property
    def untouched_measures(self) -> Measures:
        """Measures of the untouched sessions: latency is judged on these alone."""
        return self.measures if not self.faults else Measures.of(self.untouched)

    @cached_property
    def probe_measures(self) -> Measures:
        """Measures of the probes."""
        return Measures.of(self.result.probes)

    def gateway_broken(self, from_ns: Nanoseconds, to_ns: Nanoseconds) -> NDArray[np.bool_]:
        """Which of these stretches of time meet one in which the plan had broken the gateway itself.

        Only where that excuses it: see `GatewayBreak.excuses`.
        """
        broken = np.zeros(len(from_ns), dtype=bool)
        for fault in self.result.gateway_faults:
            if GATEWAY_BREAKS[fault.how].excuses:
                broken |= (from_ns <= fault.healed_ns + RECOVERY_NS) & (to_ns >= fault.at_ns)
        return broken

    def of_a_whole_gateway(self, series: Series) -> Series:
        """A measure without what was on its way while the plan had broken the gateway itself."""
        return series.where(~self.gateway_broken(series.at_ns, series.at_ns + series.value_ns))

    @cached_property
    def _slow_readers(self) -> dict[int, list[SlowReader]]:
        """What the plan has for each slow reader."""
        found: dict[int, list[SlowReader]] = {}
        for fault in self.faults:
            if isinstance(fault, SlowReader):
                found.setdefault(fault.session, []).append(fault)
        return found

    def _slow_reading(self, record: SessionRecord) -> list[SlowReader]:
        """When this session reads slowly by plan; a probe never does."""
        return [] if record.plan.probe else self._slow_readers.get(record.plan.index, [])

    def is_slow_reader(self, record: SessionRecord) -> bool:
        """Whether the plan made this session read slowly."""
        return bool(self._slow_reading(record))

    def read_slowly(self, record: SessionRecord, from_ns: int, to_ns: int) -> bool:
        """Whether the plan kept this session from reading in that time: what it was sent, it heard only later."""
        return any(
            fault.at_ns <= to_ns and from_ns <= fault.heals_ns + RECOVERY_NS for fault in self._slow_reading(record)
        )

    def span_ns(self) -> tuple[int, int]:
        """The steady part of the run, cut short where the run was."""
        start_ns, end_ns = self.header.load.steady_ns()
        return start_ns, min(end_ns, self.result.end_ns)

    def errors(self, record: SessionRecord, unexplained_only: bool) -> list[Evidence]:
        """Error frames, failures and violations of one session."""
        found = []
        for event in record.events:
            if event.kind not in (EventKind.ERROR, EventKind.FAILED, EventKind.VIOLATION):
                continue
            if unexplained_only and self._explained(record, event):
                continue
            found.append(evidence(record.plan.session_id, event.at_ns, event.detail))
        return found

    def late_flushes(self, record: SessionRecord) -> list[Evidence]:
        """Chunks that should have been flushed before, where the gateway's health page claims v1's flush rule.

        Each chunk tells by itself: more units than the limit, or a mark that is not its last unit.
        """
        if self.header.gateway.get("flush_rule") != "v1":
            return []
        spans = zip(record.chunk_start, record.chunk_end, record.received_ns, strict=True)
        return [
            evidence(record.plan.session_id, at_ns, f"not flushed by the rule: {text[:40]!r} in one chunk")
            for number, (start, end, at_ns) in enumerate(spans)
            if flushed_late(text := record.wrong_text.get(number, record.plan.text[max(start, 0) : end + 1]))
        ]

    def caused(self, record: SessionRecord, code: str, at_ns: int) -> bool:
        """Whether an injected fault that had hit this session before `at_ns` causes this error.

        A session says `resume` only because the plan had cut it, or had taken its gateway.
        """
        if code == "resume_not_available":
            return any(sent_ns <= at_ns for sent_ns in record.times(EventKind.RESUME_SENT))
        return code == "backpressure" and any(fault.at_ns <= at_ns for fault in self._slow_reading(record))

    def _explained(self, record: SessionRecord, event: SessionEvent) -> bool:
        if event.kind is EventKind.ERROR:
            return self.caused(record, event.detail.partition(":")[0], event.at_ns)
        return event.kind is EventKind.FAILED and event.detail == PLANNED_LEAVE
