"""CPU, RSS and sockets of the gateway, and the audio that it holds unsent: from its processes, or its metrics page."""

import http.client
import json
import re
from contextlib import suppress
from math import isfinite
from urllib.parse import urlsplit

import psutil

from ..record import GatewaySample

PAGE_LIMIT_S = 1.0
_PROCESS = re.compile(rb"^(process_cpu_seconds_total|process_resident_memory_bytes)(?:\{[^}]*\})? (\S+)", re.MULTILINE)
"""The names that Prometheus' client libraries give them in every language. Two lines are looked for: reading the whole
page with a parser each second would cost the load generator more than all else that it samples."""


def sample(pids: list[int], at_ns: int, origin: str = "", api_key: str = "") -> GatewaySample | None:
    """Return the sum over the processes, or what the metrics page at `origin` says where none of them can be seen.

    None where neither can be had. `origin` "" leaves health and metrics pages unread.
    """
    if not pids:
        return _from_metrics(at_ns, origin, api_key)
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
    return GatewaySample(at_ns, cpu_s, rss_bytes, sockets, _unsent_bytes(origin, api_key)) if seen else None


def _from_metrics(at_ns: int, origin: str, api_key: str) -> GatewaySample | None:
    seen: dict[bytes, float] = {}
    for name, figure in _PROCESS.findall(_page(origin, "/metrics", api_key)):
        with suppress(ValueError):
            if isfinite(value := float(figure)):
                seen[name] = seen.get(name, 0.0) + value
    if not seen:
        return None
    cpu_s = seen.get(b"process_cpu_seconds_total", -1.0)
    rss_bytes = int(seen.get(b"process_resident_memory_bytes", -1.0))
    return GatewaySample(at_ns, cpu_s, rss_bytes, -1, _unsent_bytes(origin, api_key))


def _unsent_bytes(origin: str, api_key: str) -> int:
    """What the health page says, or -1."""
    try:
        return int(json.loads(_page(origin, "/healthz", api_key)).get("unsent_bytes", -1))
    except (ValueError, TypeError, AttributeError):
        return -1


def _page(origin: str, path: str, api_key: str) -> bytes:
    """Return a page, b"" where it cannot be had. A bare connection: a client library costs more than the answer."""
    where = urlsplit(origin)
    if not where.netloc:
        return b""
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.netloc, timeout=PAGE_LIMIT_S)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {api_key}"} if api_key else {})
        answer = connection.getresponse()
        return answer.read() if answer.status == http.client.OK else b""
    except (OSError, http.client.HTTPException):
        return b""
    finally:
        connection.close()
