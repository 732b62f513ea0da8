"""The ledger: every unit of a session accounted for, and every missing one explained or not."""

from dataclasses import dataclass, field

from ..record import AUDIO_FAULTS, ChunkFlag, EventKind, SessionRecord


@dataclass(slots=True)
class SessionLedger:
    """The account of one session, in units unless said otherwise; positions name the first few of each kind.

    `explained` is the plan's or the protocol's reason why a session broke off ("": it did not, or nothing explains it).
    It explains what is missing after `last_received`, the last unit that came (-1: none did): audio comes in order, so
    a hole before that is a loss whatever happened later.
    """

    session_id: str
    sent: int = 0
    received: int = 0
    last_received: int = -1
    missing: list[int] = field(default_factory=list)
    duplicate: list[int] = field(default_factory=list)
    mismatched: list[int] = field(default_factory=list)
    unexpected: list[int] = field(default_factory=list)
    out_of_order: list[int] = field(default_factory=list)
    after_end: int = 0
    after_cancel: int = 0
    seq_gaps: list[int] = field(default_factory=list)
    audio_faults: list[tuple[int, ChunkFlag]] = field(default_factory=list)
    explained: str = ""

    @property
    def unexplained_missing(self) -> list[int]:
        """Missing units that neither the plan nor the protocol accounts for."""
        return [unit for unit in self.missing if unit < self.last_received] if self.explained else self.missing

    @property
    def explained_missing(self) -> list[int]:
        """Missing units that the plan or the protocol accounts for."""
        return [unit for unit in self.missing if unit > self.last_received] if self.explained else []


def account(record: SessionRecord, slow_reader: bool = False) -> SessionLedger:
    """Account for every unit of one session. `slow_reader` is what the fault plan says of it."""
    text = record.plan.text
    ledger = SessionLedger(record.plan.session_id, sent=len(record.sent_ns))
    counts = bytearray(len(text))
    previous_seq: int | None = None
    for number, (start, end, seq, flags) in enumerate(
        zip(record.chunk_start, record.chunk_end, record.chunk_seq, record.flags, strict=True)
    ):
        if flags & AUDIO_FAULTS:
            ledger.audio_faults.append((number, ChunkFlag(flags & AUDIO_FAULTS)))
        span = range(max(start, 0), min(end + 1, ledger.sent))
        ledger.unexpected += [u for u in (start, end) if not 0 <= u < ledger.sent or end < start]
        ledger.after_end += bool(flags & ChunkFlag.AFTER_END)
        ledger.after_cancel += bool(flags & ChunkFlag.AFTER_CANCEL)
        if span and span[0] <= ledger.last_received:
            ledger.out_of_order += [u for u in span if u <= ledger.last_received and not counts[u]]
        if previous_seq is not None and seq != previous_seq + 1:
            ledger.seq_gaps.append(number)
        previous_seq = seq
        for unit in span:
            if counts[unit]:
                ledger.duplicate.append(unit)
            counts[unit] = 1
            ledger.last_received = max(ledger.last_received, unit)
        if number in record.wrong_text:
            ledger.mismatched += mismatches(text, start, end, record.wrong_text[number])
    ledger.received = sum(counts)
    ledger.missing = [unit for unit in range(ledger.sent) if not counts[unit]]
    ledger.explained = explanation(record, slow_reader)
    return ledger


def mismatches(sent: str, start: int, end: int, said: str) -> list[int]:
    """Return the units of start..end whose text is not what was sent; a wrong length names the rest of the span."""
    expected = sent[max(start, 0) : end + 1]
    differing = [start + i for i, (a, b) in enumerate(zip(expected, said, strict=False)) if a != b]
    if len(said) != len(expected):
        differing += range(start + min(len(said), len(expected)), start + max(len(said), len(expected)))
    return differing


def explanation(record: SessionRecord, slow_reader: bool) -> str:
    """Say what explains that this session broke off: cancel, backpressure on a slow reader, or replacement."""
    if record.has(EventKind.CANCEL_SENT):
        return "cancelled"
    if record.has(EventKind.REPLACED):
        return "replaced"
    if slow_reader and record.error_code == "backpressure":
        return "backpressure"
    return ""
