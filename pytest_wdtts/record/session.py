"""What was seen of one session, in arrays that cost next to nothing to append to.

All times are ns from the run's origin. The record is the evidence: it is written to the journal as it
grows, and every number of the report is computed from it afterwards, live or offline.
"""

from array import array
from enum import IntFlag, StrEnum

from msgspec import Struct, field

from ..load import SessionPlan

_NO_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)


class ChunkFlag(IntFlag):
    """What is wrong with, or remarkable about, one audio chunk."""

    BAD_BASE64 = 1
    EMPTY = 2
    ODD_LENGTH = 4
    WRONG_LENGTH = 8
    SILENT = 16
    WAV_HEADER = 32
    WRONG_UNITS = 64
    WRONG_FORMAT = 128
    TONE_READ = 256
    BEFORE_RESUME = 512
    AFTER_CANCEL = 1024
    AFTER_END = 2048
    WHILE_SLOW = 4096


AUDIO_FAULTS = (
    ChunkFlag.BAD_BASE64
    | ChunkFlag.EMPTY
    | ChunkFlag.ODD_LENGTH
    | ChunkFlag.WRONG_LENGTH
    | ChunkFlag.SILENT
    | ChunkFlag.WAV_HEADER
    | ChunkFlag.WRONG_UNITS
    | ChunkFlag.WRONG_FORMAT
)


class EventKind(StrEnum):
    """What can happen in a session besides units and chunks."""

    OPENING = "opening"
    OPENED = "opened"
    ACKED = "acked"
    TEXT_END_SENT = "text_end_sent"
    CANCEL_SENT = "cancel_sent"
    RESUME_SENT = "resume_sent"
    SENT_AGAIN = "sent_again"
    FAULT = "fault"
    HEALED = "healed"
    ENDED = "ended"
    ERROR = "error"
    CLOSED = "closed"
    FAILED = "failed"
    VIOLATION = "violation"
    END_VIOLATION = "end_violation"
    REPLACED = "replaced"


PLANNED_LEAVE = "left for a new session, as planned"
"""Detail of the `FAILED` event of a session that the plan replaced by a new one: no failure of anybody's."""


class SessionEvent(Struct, frozen=True, array_like=True, gc=False):
    """One event: when, what, and a detail in words or as an error code."""

    at_ns: int
    kind: EventKind
    detail: str = ""


class SessionDelta(Struct, frozen=True, tag="session", tag_field="line", omit_defaults=True):
    """What a record gained since it was last journalled; the first delta of a session carries its plan."""

    id: str
    plan: SessionPlan | None = None
    first_unit: int = 0
    sent_ns: list[int] = field(default_factory=list)
    lateness_ns: list[int] = field(default_factory=list)
    chunks: list[list[int]] = field(default_factory=list)
    wrong_text: dict[int, str] = field(default_factory=dict)
    events: list[SessionEvent] = field(default_factory=list)


class SessionRecord:
    """Everything seen of one session. Lone surrogates that a gateway sent become U+FFFD: files take none."""

    def __init__(self, plan: SessionPlan) -> None:
        self.plan = plan
        self.sent_ns = array("q")
        """When unit u left, by index; sending again after a cut overwrites."""
        self.lateness_ns = array("q")
        """Our own fault alone: time of sending minus the later of due time and the time it could be sent."""
        self.received_ns = array("q")
        self.chunk_seq = array("q")
        self.chunk_start = array("q")
        self.chunk_end = array("q")
        self.pcm_bytes = array("q")
        self.flags = array("q")
        self.wrong_text: dict[int, str] = {}
        """By chunk number in order of receipt: `units_text` where it is not what was sent."""
        self.events: list[SessionEvent] = []
        self._unwritten_plan: SessionPlan | None = plan
        self._written = [0, 0, 0]
        self._taken_back = False

    def note(self, at_ns: int, kind: EventKind, detail: str = "") -> None:
        """Add an event."""
        self.events.append(SessionEvent(at_ns, kind, detail.translate(_NO_SURROGATES)))

    def sent(self, at_ns: int, lateness_ns: int) -> None:
        """Record that the next unit left."""
        self.sent_ns.append(at_ns)
        self.lateness_ns.append(lateness_ns)

    def forget_sent(self, units_accepted: int) -> None:
        """Take back the units that were lost in flight: they will be sent again."""
        del self.sent_ns[units_accepted:]
        del self.lateness_ns[units_accepted:]
        if units_accepted < self._written[0]:
            self._written[0] = units_accepted
            self._taken_back = True

    def received(
        self, at_ns: int, seq: int, start: int, end: int, pcm_bytes: int, flags: int, wrong_text: str | None = None
    ) -> None:
        """Record one audio chunk; `wrong_text` is its `units_text` where that is not what was sent."""
        if wrong_text is not None:
            self.wrong_text[len(self.received_ns)] = wrong_text.translate(_NO_SURROGATES)
        self.received_ns.append(at_ns)
        self.chunk_seq.append(seq)
        self.chunk_start.append(start)
        self.chunk_end.append(end)
        self.pcm_bytes.append(pcm_bytes)
        self.flags.append(flags)

    def times(self, kind: EventKind) -> list[int]:
        """When events of this kind happened."""
        return [event.at_ns for event in self.events if event.kind is kind]

    def has(self, kind: EventKind) -> bool:
        """Whether an event of this kind happened."""
        return any(event.kind is kind for event in self.events)

    @property
    def error_code(self) -> str:
        """Code of the gateway's error frame, or ""."""
        return next((event.detail.partition(":")[0] for event in self.events if event.kind is EventKind.ERROR), "")

    def take_delta(self) -> SessionDelta | None:
        """Return what is new since the last call, for the journal; None when nothing is."""
        units, chunks, events = self._written
        now = [len(self.sent_ns), len(self.received_ns), len(self.events)]
        if now == self._written and not self._taken_back and self._unwritten_plan is None:
            return None
        columns = (
            self.received_ns,
            self.chunk_seq,
            self.chunk_start,
            self.chunk_end,
            self.pcm_bytes,
            self.flags,
        )
        delta = SessionDelta(
            id=self.plan.session_id,
            plan=self._unwritten_plan,
            first_unit=units,
            sent_ns=self.sent_ns[units:].tolist(),
            lateness_ns=self.lateness_ns[units:].tolist(),
            chunks=[column[chunks:].tolist() for column in columns] if now[1] > chunks else [],
            wrong_text={at: text for at, text in self.wrong_text.items() if at >= chunks},
            events=self.events[events:],
        )
        self._unwritten_plan = None
        self._taken_back = False
        self._written = now
        return delta

    def apply(self, delta: SessionDelta) -> None:
        """Add what a journal line holds; the inverse of `take_delta`."""
        self.forget_sent(delta.first_unit)
        self.sent_ns.extend(delta.sent_ns)
        self.lateness_ns.extend(delta.lateness_ns)
        for row in zip(*delta.chunks, strict=True):
            self.received(*row)
        self.wrong_text.update(delta.wrong_text)
        self.events.extend(delta.events)
