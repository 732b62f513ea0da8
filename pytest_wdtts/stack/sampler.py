"""CPU, RSS and sockets of the gateway's processes, and the audio that it holds unsent."""

import http.client
import json
from urllib.parse import urlsplit

import psutil

from ..record import GatewaySample

HEALTH_LIMIT_S = 1.0


def sample(pids: list[int], at_ns: int, origin: str = "") -> GatewaySample | None:
    """Return the sum over the processes, or None where none of them can be seen.

    `origin` is where the gateway's health page is; "" leaves it unread.
    """
    cpu_s = 0.0
    rss_bytes = sockets = seen = 0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                rss_bytes += process.memory_info().rss
            sockets += len(process.net_connections("tcp"))
        except psutil.Error:
            continue
        cpu_s += times.user + times.system
        seen += 1
    return GatewaySample(at_ns, cpu_s, rss_bytes, sockets, _unsent_bytes(origin)) if seen else None


def _unsent_bytes(origin: str) -> int:
    """What the health page says, or -1. A bare connection: a client library costs more than the answer."""
    where = urlsplit(origin)
    if where.scheme != "http":
        return -1
    connection = http.client.HTTPConnection(where.netloc, timeout=HEALTH_LIMIT_S)
    try:
        connection.request("GET", "/healthz")
        fields = json.loads(connection.getresponse().read())
        return int(fields.get("unsent_bytes", -1))
    except (OSError, http.client.HTTPException, ValueError, TypeError, AttributeError):
        return -1
    finally:
        connection.close()
