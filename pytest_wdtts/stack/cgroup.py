"""What a container uses, from its cgroup: version 1 or 2, whichever this machine has."""

from pathlib import Path

from ..record import ContainerSample

_ROOT = Path("/sys/fs/cgroup")
_PROC = Path("/proc")
_TIME_WAIT = "06"

Figures = dict[str, int]


def sample_container(
    service: str, pid: int, at_ns: int, proc: Path = _PROC, root: Path = _ROOT
) -> ContainerSample | None:
    """Sample the container that the process lives in; None where it cannot be seen from here."""
    try:
        places = _places(proc / str(pid) / "cgroup")
        cpu_s, throttled_s, rss_bytes = _version_1(places, root) if "cpuacct" in places else _version_2(places, root)
        sockets = sum(_sockets(proc / str(pid) / "net" / table) for table in ("tcp", "tcp6"))
    except (OSError, KeyError, ValueError):
        return None
    return ContainerSample(at_ns, service, cpu_s, rss_bytes, sockets, throttled_s)


def _places(table: Path) -> dict[str, str]:
    """Controller by controller, where its cgroup is; version 2 has one without a name."""
    places = {}
    for line in table.read_text().splitlines():
        _, controllers, place = line.split(":", 2)
        places.update(dict.fromkeys(controllers.split(","), place.lstrip("/")))
    return places


def _version_1(places: dict[str, str], root: Path) -> tuple[float, float, int]:
    used_ns = int((root / "cpuacct" / places["cpuacct"] / "cpuacct.usage").read_text())
    throttled_ns = _figures(root / "cpu" / places["cpu"] / "cpu.stat")["throttled_time"]
    memory = _figures(root / "memory" / places["memory"] / "memory.stat")
    return used_ns / 1e9, throttled_ns / 1e9, memory["total_rss"]


def _version_2(places: dict[str, str], root: Path) -> tuple[float, float, int]:
    cpu = _figures(root / places[""] / "cpu.stat")
    memory = _figures(root / places[""] / "memory.stat")
    return cpu["usage_usec"] / 1e6, cpu.get("throttled_usec", 0) / 1e6, memory["anon"]


def _figures(path: Path) -> Figures:
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


def _sockets(table: Path) -> int:
    """Count the sockets of its network namespace, but for those that only wait to be forgotten."""
    return sum(line.split()[3] != _TIME_WAIT for line in table.read_text().splitlines()[1:])
