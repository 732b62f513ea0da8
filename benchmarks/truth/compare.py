"""What the capture saw of a run beside what the run says of itself, unit by unit and chunk by chunk. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import numpy as np
from msgspec import Struct

from pytest_wdtts.errors import OwnFailure
from pytest_wdtts.record import SessionRecord
from pytest_wdtts.record.histogram import Nanoseconds, histogram, percentiles_ms

from .streams import Message, Stream, Way

LIMIT_MS = 1.0
"""How far the p99 of each difference, and each pair of figures, may lie apart."""


class _Fields(Struct):
    """What is read of a message; not by the product's own codec, whose errors would cancel out."""

    type: str
    session_id: str
    text: str = ""
    unit_index_start: int = -1
    unit_index_end: int = -1


@dataclass
class Conversation:
    """One session as the wire had it, ns from the run's origin."""

    acked_ns: int = 0
    units: str = ""
    sent_ns: list[int] = field(default_factory=list)
    chunks: list[tuple[int, int]] = field(default_factory=list)
    received_ns: list[int] = field(default_factory=list)

    def take(self, message: Message, origin_unix_ns: int) -> None:
        """Take one message of either side."""
        fields, at_ns = msgspec.json.decode(message.payload, type=_Fields), message.at_ns - origin_unix_ns
        match fields.type:
            case "text_delta":
                self.units += fields.text
                self.sent_ns += [at_ns] * len(fields.text)
            case "audio_chunk":
                self.chunks.append((fields.unit_index_start, fields.unit_index_end))
                self.received_ns.append(at_ns)
            case "start_ack":
                self.acked_ns = at_ns


class Agreement(Struct, frozen=True, kw_only=True):
    """Differences in ms (`p50 p95 p99 max count`), and the same figure from both sides.

    `send_ms` is capture minus ours for every unit, `receive_ms` ours minus capture for every chunk; `lateness_ms` and
    `service_time_ms` are p99s, as the report has them and as the capture alone gives them.
    """

    send_ms: dict[str, float]
    receive_ms: dict[str, float]
    before_sending: int
    before_receipt: int
    lateness_ms: dict[str, float]
    service_time_ms: dict[str, float]

    def trouble(self) -> list[str]:
        """Say what does not agree; empty where all does."""
        differences = {"send": self.send_ms["p99"], "receive": self.receive_ms["p99"]}
        for name, pair in (("send lateness", self.lateness_ms), ("service time", self.service_time_ms)):
            differences[f"p99 {name}"] = abs(pair["report"] - pair["capture"])
        return [
            f"{name} differs by {apart_ms:.3f} ms from the capture, expected less than {LIMIT_MS:g} ms"
            for name, apart_ms in differences.items()
            if apart_ms >= LIMIT_MS
        ] + [
            f"{count} {what} the clock of the capture: times that cannot be"
            for count, what in ((self.before_sending, "units left before"), (self.before_receipt, "chunks came before"))
            if count
        ]


CLOCKS_APART_NS = 50_000
"""How far the two clocks' offset may be off before an order of events counts as impossible."""


def conversations(streams: list[tuple[Way, Stream]], port: int, origin_unix_ns: int) -> dict[str, Conversation]:
    """Read the streams of a gateway's port into conversations, by session id. Raises `OwnFailure`."""
    found: dict[str, Conversation] = {}
    for way, stream in streams:
        for message in stream.messages(from_client=way.destination == port):
            session_id = msgspec.json.decode(message.payload, type=_Fields).session_id
            found.setdefault(session_id, Conversation()).take(message, origin_unix_ns)
    return found


def compare(
    records: Iterable[SessionRecord], wire: dict[str, Conversation], report_p99_ms: dict[str, float]
) -> Agreement:
    """Compare a run's records with the wire. Raises `OwnFailure` where the two did not see the same messages."""
    send, receive, lateness, service = _Column(), _Column(), _Column(), _Column()
    for record in records:
        plan, seen = record.plan, wire.get(record.plan.session_id, Conversation())
        chunks = list(zip(record.chunk_start, record.chunk_end, strict=True))
        if seen.units != plan.text[: len(record.sent_ns)] or seen.chunks != chunks:
            raise OwnFailure(
                f"session {plan.session_id}: the capture has {len(seen.units)} units and {len(seen.chunks)} chunks, "
                f"the run {len(record.sent_ns)} and {len(chunks)}, or not the same ones: nothing to compare"
            )
        sent_ns = np.array(seen.sent_ns, dtype=np.int64)
        received_ns = np.array(seen.received_ns, dtype=np.int64)
        due_ns = plan.first_unit_ns + np.arange(len(sent_ns)) * plan.interval_ns
        send.add(sent_ns - np.array(record.sent_ns, dtype=np.int64))
        receive.add(np.array(record.received_ns, dtype=np.int64) - received_ns)
        if not plan.probe:
            lateness.add(sent_ns - np.maximum(due_ns, seen.acked_ns))
            service.add(received_ns - sent_ns[[end for _, end in seen.chunks]])
    return Agreement(
        send_ms=send.percentiles_ms(),
        receive_ms=receive.percentiles_ms(),
        before_sending=send.impossible(),
        before_receipt=receive.impossible(),
        lateness_ms={"report": report_p99_ms["send_lateness_ms"], "capture": lateness.percentiles_ms()["p99"]},
        service_time_ms={"report": report_p99_ms["service_time_ms"], "capture": service.percentiles_ms()["p99"]},
    )


class _Column:
    """Values of all sessions together."""

    def __init__(self) -> None:
        self._parts: list[Nanoseconds] = []

    def add(self, values_ns: Nanoseconds) -> None:
        self._parts.append(values_ns)

    def percentiles_ms(self) -> dict[str, float]:
        return percentiles_ms(histogram(self._all))

    def impossible(self) -> int:
        """How many say that an effect came before its cause."""
        return int((self._all < -CLOCKS_APART_NS).sum())

    @property
    def _all(self) -> Nanoseconds:
        return np.concatenate([np.empty(0, dtype=np.int64), *self._parts])
