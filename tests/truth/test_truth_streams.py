"""Packets become messages with the time of the packet that made each whole, in whatever order they were seen."""

import io
from collections.abc import Callable
from itertools import pairwise, permutations
from pathlib import Path

import dpkt
import pytest
from websockets.frames import Frame, Opcode

from benchmarks.truth.streams import Message, Stream, Way, read_streams
from pytest_wdtts.errors import OwnFailure

HEAD = b"GET /tts HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
GATEWAY, CLIENT = 9000, 40000


def frames(*texts: bytes) -> list[bytes]:
    return [Frame(Opcode.TEXT, text).serialize(mask=True) for text in texts]


def stream(*pieces: tuple[int, int, bytes], first: int = 0) -> Stream:
    made = Stream(first)
    for sequence, at_ns, payload in pieces:
        made.take(sequence % 2**32, payload, at_ns)
    return made


def packet(sequence: int, payload: bytes = b"", flags: int = dpkt.tcp.TH_ACK) -> bytes:
    segment = dpkt.tcp.TCP(sport=CLIENT, dport=GATEWAY, seq=sequence % 2**32, flags=flags, data=payload)
    datagram = dpkt.ip.IP(src=b"\x7f\0\0\1", dst=b"\x7f\0\0\1", p=dpkt.ip.IP_PROTO_TCP, data=segment)
    datagram.len = len(datagram)
    return bytes(dpkt.ethernet.Ethernet(data=datagram))


def capture(path: Path, *packets: tuple[int, bytes]) -> Path:
    written = io.BytesIO()
    writer = dpkt.pcap.Writer(written, nano=True)
    for at_ns, raw in packets:
        writer.writepkt_time(raw, at_ns / 1e9)
    path.write_bytes(written.getvalue())
    return path


def test_a_message_has_the_time_of_its_last_byte() -> None:
    first, second = frames(b"one", b"two")
    whole = stream(
        (0, 10, HEAD + first[:4]), (len(HEAD) + 4, 20, first[4:] + second[:1]), (len(HEAD + first) + 1, 30, second[1:])
    )
    assert list(whole.messages(from_client=True)) == [Message(20, b"one"), Message(30, b"two")]


def test_two_messages_of_one_packet_have_one_time() -> None:
    whole = stream((0, 10, HEAD), (len(HEAD), 25, b"".join(frames(b"one", b"two"))))
    assert list(whole.messages(from_client=True)) == [Message(25, b"one"), Message(25, b"two")]


def test_any_order_of_packets_gives_the_same_bytes() -> None:
    sent = HEAD + b"".join(frames(b"one", b"two", b"three"))
    cuts = [0, 7, len(HEAD), len(HEAD) + 11, len(sent)]
    pieces = [(start, sent[start:end]) for start, end in pairwise(cuts)]
    for order in permutations(pieces):
        # The sequence numbers run over their end on the way.
        seen = stream(*((2**32 - 20 + start, at, piece) for at, (start, piece) in enumerate(order)), first=2**32 - 20)
        assert seen.whole
        assert b"".join(piece for _, piece in seen.pieces) == sent
        assert [message.payload for message in seen.messages(from_client=True)] == [b"one", b"two", b"three"]


def test_what_is_sent_again_counts_as_first_seen() -> None:
    (frame,) = frames(b"one")
    seen = stream((0, 1, HEAD), (len(HEAD), 2, frame), (len(HEAD), 90, frame), (len(HEAD) + 3, 95, frame[3:]))
    assert list(seen.messages(from_client=True)) == [Message(2, b"one")]
    longer = stream((0, 1, HEAD), (len(HEAD), 2, frame[:5]), (len(HEAD) + 2, 90, frame[2:]))
    assert list(longer.messages(from_client=True)) == [Message(90, b"one")]


def test_the_health_page_on_the_same_port_is_left_out() -> None:
    assert list(stream((0, 1, b"HTTP/1.1 200 OK\r\n\r\n{}")).messages(from_client=False)) == []


def test_a_capture_file_is_read_by_connection(tmp_path: Path) -> None:
    (frame,) = frames("你".encode())
    path = capture(
        tmp_path / "seen.pcap",
        (1_000_000_000, packet(99, flags=dpkt.tcp.TH_SYN)),
        (1_000_000_500, packet(100, HEAD)),
        (1_000_002_000, packet(100 + len(HEAD), frame)),
    )
    ((way, seen),) = read_streams(path)
    assert way == Way(CLIENT, GATEWAY)
    (message,) = seen.messages(from_client=True)
    assert message.payload.decode() == "你"
    assert message.at_ns == pytest.approx(1_000_002_000, abs=300)


def test_a_port_that_comes_back_is_another_connection(tmp_path: Path) -> None:
    first, second = frames(b"first", b"second")
    path = capture(
        tmp_path / "seen.pcap",
        (1000, packet(99, flags=dpkt.tcp.TH_SYN)),
        (2000, packet(100, HEAD + first)),
        (3000, packet(70_000, flags=dpkt.tcp.TH_SYN)),
        (4000, packet(70_001, HEAD + second)),
    )
    told = [message.payload for _, stream in read_streams(path) for message in stream.messages(from_client=True)]
    assert told == [b"first", b"second"]


def hole(path: Path) -> None:
    read_streams(capture(path / "hole.pcap", (1, packet(0, flags=dpkt.tcp.TH_SYN)), (2, packet(5, b"later"))))


def garbage(path: Path) -> None:
    list(stream((0, 1, HEAD + b"\xff\xff\xff")).messages(from_client=True))


def fragments(path: Path) -> None:
    parts = [Frame(Opcode.TEXT, b"a", fin=False), Frame(Opcode.CONT, b"b")]
    list(stream((0, 1, HEAD + b"".join(part.serialize(mask=True) for part in parts))).messages(from_client=True))


@pytest.mark.parametrize(
    ("broken", "words"), [(hole, "have a hole"), (garbage, "no WebSocket frames"), (fragments, "several frames")]
)
def test_a_capture_that_proves_nothing_says_so(broken: Callable[[Path], None], words: str, tmp_path: Path) -> None:
    with pytest.raises(OwnFailure, match=words):
        broken(tmp_path)
