"""CPU, RSS and sockets of the gateway's processes."""

import psutil

from ..record import GatewaySample


def sample(pids: list[int], at_ns: int) -> GatewaySample | None:
    """Return the sum over the processes, or None where none of them can be seen."""
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
    return GatewaySample(at_ns, cpu_s, rss_bytes, sockets) if seen else None
