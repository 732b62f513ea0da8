"""From packets to WebSocket messages, each with the time of the packet that made it whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dpkt
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from pytest_wdtts.clock import NS_PER_S
from pytest_wdtts.errors import OwnFailure

HEAD_END = b"\r\n\r\n"
UPGRADE = b"upgrade: websocket"
SEQUENCE_NUMBERS = 2**32


class Message(NamedTuple):
    """One text message, and when its last byte was on the wire (ns of the wall clock)."""

    at_ns: int
    payload: bytes


class Way(NamedTuple):
    """One direction of one connection. Ports are enough: all of it is one machine's loopback."""

    source: int
    destination: int


class Stream:
    """The bytes of one direction in their order; a hole waits for the packet that fills it."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._early: dict[int, bytes] = {}
        self.pieces: list[tuple[int, bytes]] = []
        """Bytes in order, each piece with the time from which all up to its end had been seen."""

    def take(self, sequence: int, payload: bytes, at_ns: int) -> None:
        """Take one packet's payload: new, sent again, or ahead of its turn."""
        ahead = (sequence - self._next) % SEQUENCE_NUMBERS
        if ahead >= SEQUENCE_NUMBERS // 2:  # Sent again, wholly or in part; what was seen counts as first seen.
            payload, sequence, ahead = payload[SEQUENCE_NUMBERS - ahead :], self._next, 0
        if ahead:
            self._early[sequence] = max(self._early.get(sequence, b""), payload, key=len)
            return
        if payload:
            self._next = (self._next + len(payload)) % SEQUENCE_NUMBERS
            self.pieces.append((at_ns, payload))
        for early in [key for key in self._early if (key - self._next) % SEQUENCE_NUMBERS >= SEQUENCE_NUMBERS // 2]:
            self.take(early, self._early.pop(early), at_ns)
        if self._next in self._early:
            self.take(self._next, self._early.pop(self._next), at_ns)

    @property
    def whole(self) -> bool:
        """Whether no hole is left."""
        return not self._early

    def messages(self, from_client: bool) -> Iterator[Message]:
        """Parse the stream piece by piece: what comes out was made whole by that piece. Raises `OwnFailure`."""
        parser = Protocol(Side.SERVER if from_client else Side.CLIENT, max_size=None)
        head, upgraded = b"", False
        for at_ns, piece in self.pieces:
            fresh = piece
            if not upgraded:
                head += piece
                if HEAD_END not in head:
                    continue
                if UPGRADE not in head.lower():
                    return  # The health page shares the port.
                upgraded, fresh = True, head.split(HEAD_END, 1)[1]
            parser.receive_data(fresh)
            if parser.parser_exc is not None:
                raise OwnFailure(f"the captured bytes are no WebSocket frames: {parser.parser_exc!r}")
            for frame in parser.events_received():
                if isinstance(frame, Frame) and frame.opcode is Opcode.TEXT:
                    if not frame.fin:
                        raise OwnFailure("a message came in several frames, which this comparison does not join")
                    yield Message(at_ns, bytes(frame.data))


def read_streams(path: Path) -> list[tuple[Way, Stream]]:
    """Read a capture file (Ethernet, as tcpdump writes the loopback). Raises `OwnFailure` where bytes are missing."""
    streams: list[tuple[Way, Stream]] = []
    open_now: dict[Way, Stream] = {}
    with path.open("rb") as file:
        for at_s, raw in dpkt.pcap.Reader(file):
            segment = dpkt.ethernet.Ethernet(raw).data.data
            if not isinstance(segment, dpkt.tcp.TCP):
                continue
            way = Way(segment.sport, segment.dport)
            if segment.flags & dpkt.tcp.TH_SYN:
                # A port comes back when its connection is over: each connection has a stream of its own.
                open_now[way] = Stream((segment.seq + 1) % SEQUENCE_NUMBERS)
                streams.append((way, open_now[way]))
            elif segment.data and way in open_now:
                open_now[way].take(segment.seq, segment.data, int(at_s * NS_PER_S))
    holes = sum(not stream.whole for _, stream in streams)
    if holes:
        raise OwnFailure(f"{holes} of {len(streams)} captured streams have a hole: packets are missing, run it again")
    return streams
