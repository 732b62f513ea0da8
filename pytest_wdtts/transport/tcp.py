"""What both transports do below and before the WebSocket: the socket, its reset, and words for a refusal."""

import asyncio
import contextlib
import errno
import os
import socket
import struct
from typing import Any

from ..errors import OwnFailure
from .seam import Target

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
PARTIAL_READ_BYTES = 512
"""How little is read at a time by a connection that is to be cut within a frame."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Value of SO_LINGER with which closing a socket resets the connection."""
OUR_SHORTAGES = {
    errno.EMFILE: "this process has no files left: raise the limit (ulimit -n)",
    errno.ENFILE: "this machine has no files left (fs.file-max)",
    errno.EADDRNOTAVAIL: "this machine has no local ports left: widen net.ipv4.ip_local_port_range, or wait for others",
    errno.ENOBUFS: "this machine has no socket buffers left (net.ipv4.tcp_mem)",
    errno.ENOMEM: "this machine has no memory left for sockets",
}
"""What the kernel may refuse us before anything reached the gateway, which is not to be blamed for it."""
CLOSED_WORDS = (
    "connection closed during the handshake: expected 101 Switching Protocols; check the port, and ws:// against wss://"
)
"""What to say of a peer that hangs up instead of answering: one that speaks another protocol, mostly."""


async def open_socket(loop: asyncio.AbstractEventLoop, target: Target) -> socket.socket:
    """Connect a socket whose receive buffer was bounded before the handshake, as TCP wants it.

    Raises `OSError`, or `OwnFailure` where it is ours.
    """
    failure: OSError = OSError(f"{target.host} has no address")
    for family, address in await _addresses(loop, target):
        candidate = new_socket(family)
        try:
            if target.receive_buffer_bytes:
                candidate.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, target.receive_buffer_bytes)
            candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(candidate, address)
        except OSError as error:
            candidate.close()
            refuse_shortage(error)
            failure = error
        except BaseException:
            candidate.close()
            raise
        else:
            return candidate
    raise failure


def new_socket(family: int) -> socket.socket:
    """Return a socket that never blocks. Raises as `open_socket` does."""
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        refuse_shortage(error)
        raise
    made.setblocking(False)
    return made


def refuse_shortage(error: OSError) -> None:
    """Raise `OwnFailure` with words where an error is our own machine's."""
    if error.errno in OUR_SHORTAGES:
        raise OwnFailure(f"{os.strerror(error.errno)}: {OUR_SHORTAGES[error.errno]}") from None


async def _addresses(loop: asyncio.AbstractEventLoop, target: Target) -> list[tuple[int, Any]]:
    """Resolve a name; a number needs no resolver, whose threads cost half of what a connection does."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, target.host)
            return [(family, (target.host, target.port))]
    infos = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return [(info[0], info[4]) for info in infos]


def socket_words(error: OSError) -> str:
    """Say why a connection could not be made: the system's own words, where it has any."""
    return os.strerror(error.errno) if error.errno else str(error) or CLOSED_WORDS


def refused_words(error: Exception) -> str:
    """Say what came in place of a handshake's answer, in a library's words, and what to do."""
    return f"handshake refused ({error}): expected 101 Switching Protocols; check that a WebSocket gateway is there"


def status_words(code: int) -> str:
    """Say what a handshake's HTTP status means, and what to do."""
    hint = {
        401: "the gateway wants another api key (--wdtts-api-key)",
        403: "the gateway forbids it: check the api key and the origin",
        404: "no WebSocket at this path: the contract's path is /tts",
        503: "the gateway takes no new sessions (starting, draining or full)",
    }.get(code, "expected 101 Switching Protocols")
    return f"handshake answered with HTTP {code}: {hint}"
