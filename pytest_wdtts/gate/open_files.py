"""Whether this process can have as many sockets as its sessions need, before it opens the first."""

from pathlib import Path

from ..errors import UsageError

SPARE_FILES = 64
"""What a run holds open besides its sessions: journal, event loop, sampler, probes, pytest's own."""
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def need_sockets(sessions: int) -> None:
    """Make sure of files and ports. Raises `UsageError` that says what to raise."""
    need_files(sessions)
    need_ports(sessions)


def need_ports(sessions: int) -> None:
    """Count this machine's local ports: each connection to one gateway takes its own. Raises `UsageError`."""
    try:
        lowest, highest = map(int, PORT_RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):  # Only Linux tells.
        return
    needed, there = sessions + SPARE_FILES, highest - lowest + 1
    if needed > there:
        raise UsageError(
            f"{sessions} sessions need {needed} local ports, this machine has {there} ({lowest} to {highest}): widen "
            "net.ipv4.ip_local_port_range with sysctl, take more machines (--wdtts-cluster), or fewer sessions"
        )


def need_files(sessions: int) -> None:
    """Raise the soft limit as far as needed. Raises `UsageError` that says what to raise where that is not allowed."""
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    needed = sessions + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise UsageError(
            f"{sessions} sessions need {needed} open files, the limit is {hard}: raise it with `ulimit -Hn {needed}` "
            "(as root) or LimitNOFILE= of the service, spread the sessions with -n, or ask for fewer sessions"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
