"""Faults of containers over the Docker SDK: each breaks one and returns what heals it."""

from collections.abc import Callable
from typing import Any

import psutil

from ..errors import OwnFailure
from .engine import Client

GATEWAY = "ws_gateway_tts"
LOST_REPLICA = "ws_gateway_tts_2"
PROXY = "proxy"
SQUEEZED_QUOTA_US = 20_000
"""A fifth of one core, at Docker's period of 100 ms."""
PAUSE_TRIES = 3
"""The freezer of a busy machine may give up ("unable to freeze"): it leaves the container as it was."""
SPARE_BYTES = 8 * 1024 * 1024
"""How much more than it holds a memory squeeze leaves a container."""
SETTLED_BYTES = 1024 * 1024
"""What holds less than this more than a second ago has settled."""
MOST_LOOKS = 6
"""One that grows for ever is squeezed all the same."""

Container = Any
Heal = Callable[[], object]


def _kill(container: Container) -> Heal:
    container.kill()
    start: Heal = container.start
    return start


def _drain(container: Container) -> Heal:
    container.kill("SIGTERM")
    return lambda: container.restart(timeout=0)


def _pause(container: Container) -> Heal:
    from docker.errors import APIError

    for tries_left in reversed(range(PAUSE_TRIES)):
        try:
            container.pause()
            break
        except APIError:
            if not tries_left:
                raise
    unpause: Heal = container.unpause
    return unpause


def _disconnect(container: Container) -> Heal:
    left = []
    for name, settings in container.attrs["NetworkSettings"]["Networks"].items():
        network = container.client.networks.get(name)
        network.disconnect(container, force=True)
        left.append((network, settings.get("Aliases")))

    def reconnect() -> None:
        # With its aliases, or nobody in the stack finds it by its service's name.
        for network, aliases in left:
            network.connect(container, aliases=aliases)

    return reconnect


def _squeeze_cpu(container: Container) -> Heal:
    before = container.attrs["HostConfig"]["CpuQuota"] or -1
    container.update(cpu_quota=SQUEEZED_QUOTA_US)
    return lambda: container.update(cpu_quota=before)


def _settled_bytes(container: Container) -> int:
    """What it holds once that hardly grows. The engine takes a second for each look.

    One that was just started, and to which everybody comes back, needs more in a moment, however sound it is.
    """
    held = 0
    for _ in range(MOST_LOOKS):
        before, held = held, int(container.stats(stream=False)["memory_stats"]["usage"])
        if held - before < SETTLED_BYTES:
            break
    return held


def _squeeze_memory(container: Container) -> Heal:
    limits = container.attrs["HostConfig"]
    before = {"mem_limit": limits["Memory"] or -1, "memswap_limit": limits["MemorySwap"] or -1}
    tight = _settled_bytes(container) + SPARE_BYTES
    container.update(mem_limit=tight, memswap_limit=tight)
    return lambda: container.update(**before)


def _stall_log(container: Container) -> Heal:
    """Stop the shim that takes the log from the container's pipe: what the engine does while its disk hangs."""
    try:
        shim = psutil.Process(container.attrs["State"]["Pid"]).parent()
        if shim is None or container.id not in shim.cmdline():
            raise OwnFailure("gateway_logs needs an engine on this machine: the container's shim is not to be seen")
        shim.suspend()
    except psutil.Error as error:
        raise OwnFailure(f"gateway_logs may not stop who takes the container's log ({error}): run as root") from None
    resume: Heal = shim.resume
    return resume


def _reload(container: Container) -> Heal:
    code, words = container.exec_run(["nginx", "-s", "reload"])
    if code:
        raise OwnFailure(f"the proxy does not reload: {words.decode(errors='replace').strip()}")
    return lambda: None


_FAULTS: dict[str, tuple[str, Callable[[Container], Heal]]] = {
    "gateway_restart": (GATEWAY, _kill),
    "gateway_drain": (GATEWAY, _drain),
    "gateway_pause": (GATEWAY, _pause),
    "gateway_disconnect": (GATEWAY, _disconnect),
    "gateway_cpu": (GATEWAY, _squeeze_cpu),
    "gateway_memory": (GATEWAY, _squeeze_memory),
    "gateway_logs": (GATEWAY, _stall_log),
    "replica_loss": (LOST_REPLICA, _kill),
    "proxy_reload": (PROXY, _reload),
}
CONTAINER_FAULTS = frozenset(_FAULTS)


def break_container(client: Client, project: str, how: str) -> Heal:
    """Carry a fault out and return its heal. Raises `OwnFailure` with what the engine said."""
    from docker.errors import DockerException

    if how not in _FAULTS:
        raise OwnFailure(f"{how} is no fault of a container: one of {', '.join(_FAULTS)}")
    service, work = _FAULTS[how]
    labels = [f"com.docker.compose.project={project}", f"com.docker.compose.service={service}"]
    try:
        found = client.containers.list(all=True, filters={"label": labels})
        if not found:
            raise OwnFailure(f"the stack has no service {service}: {how} needs the profile replicas")
        return work(found[0])
    except DockerException as error:
        raise OwnFailure(f"{how} could not be carried out: {error}") from None
