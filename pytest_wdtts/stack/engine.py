"""The Docker engine: one compose call with a deadline, and the containers of a project as values."""

import os
import socket
import subprocess
from typing import Any, cast

from msgspec import Struct

from ..errors import StackError
from .advice import advise

Client = Any
"""`docker.DockerClient`: imported only where it is used, because the SDK is an extra."""


_API_VERSION = "1.41"
"""Docker 20.10, the oldest engine that knows all that is used here."""


class ContainerState(Struct, frozen=True):
    """What the engine knows of one container now."""

    service: str
    id: str
    status: str
    health: str = ""
    exit_code: int = 0
    restarts: int = 0
    oom_killed: bool = False
    error: str = ""
    health_words: str = ""
    pid: int = 0

    @property
    def ready(self) -> bool:
        """Whether it runs and passes its health check, if it has one."""
        return self.status == "running" and self.health in ("", "healthy")

    @property
    def told(self) -> str:
        """Its state in a few words."""
        words = f"{self.service} is {self.status}"
        if self.status == "exited":
            words += f" with exit code {self.exit_code}"
        if self.health:
            words += f", {self.health}"
        if self.restarts:
            words += f", restarted {self.restarts} times"
        return words + (", killed for lack of memory" if self.oom_killed else "")


def connect() -> Client:
    """Return a client of an engine that answers. Raises `StackError` with the reason and the next step."""
    try:
        import docker
    except ImportError:
        raise StackError("the Docker SDK is not installed: pip install 'pytest-wdtts[compose]'") from None
    host = os.environ.get("DOCKER_HOST") or ("" if os.name == "nt" else "unix:///var/run/docker.sock")
    if host.startswith("unix://"):
        _knock(host.removeprefix("unix://"))
    try:
        # With the version given, making a client asks nothing: one that failed half-way would leak its socket.
        client = docker.from_env(version=_API_VERSION, timeout=30)
    except docker.errors.DockerException as error:
        raise StackError(_explained("no Docker engine", str(error))) from None
    try:
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        client.close()
        raise StackError(_explained("no Docker engine", f"while fetching server API version: {error}")) from None
    return client


def _knock(path: str) -> None:
    """Try the engine's socket first: the SDK leaks its own where the connection fails."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError as error:
            words = f"cannot connect to the Docker daemon at {path}: {error.strerror}"
            if isinstance(error, PermissionError):
                words = f"dial unix {path}: permission denied"
            raise StackError(_explained("no Docker engine", words)) from None


def compose(arguments: list[str], environment: dict[str, str], limit_s: float) -> str:
    """Run `docker compose` and return what it said. Raises `StackError` with the cause and the next step."""
    command = ["docker", "compose", *arguments]
    try:
        done = subprocess.run(
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
            # Ctrl-C is ours to answer: the project has to be taken down afterwards.
            start_new_session=True,
        )
    except FileNotFoundError:
        raise StackError("there is no docker command: install Docker, or use ci/provision_docker.py") from None
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
        words = said.decode(errors="replace") if isinstance(said, bytes) else said
        raise StackError(_explained(f"docker compose did not finish within {limit_s:g} s", words)) from None
    if done.returncode:
        raise StackError(_explained(f"docker compose ended with {done.returncode}", done.stdout))
    return done.stdout


def states(client: Client, project: str) -> list[ContainerState]:
    """Return the containers of a project, in the order of their names."""
    label = f"com.docker.compose.project={project}"
    found = [
        _state(one["Id"], client)
        for one in cast(list[dict[str, Any]], client.api.containers(all=True, filters={"label": label}))
    ]
    return sorted((state for state in found if state is not None), key=lambda state: state.service)


def _state(container_id: str, client: Client) -> ContainerState | None:
    import docker

    try:
        seen = client.api.inspect_container(container_id)
    except docker.errors.NotFound:
        return None
    state, health = seen["State"], seen["State"].get("Health") or {}
    checks = health.get("Log") or []
    return ContainerState(
        service=seen["Config"]["Labels"]["com.docker.compose.service"],
        id=container_id,
        status=state["Status"],
        health=health.get("Status", ""),
        exit_code=state["ExitCode"],
        restarts=seen["RestartCount"],
        oom_killed=state["OOMKilled"],
        error=state["Error"],
        health_words=checks[-1]["Output"].strip() if checks else "",
        pid=state["Pid"],
    )


def logs(client: Client, state: ContainerState, lines: int | str = 20) -> str:
    """Return the last lines of a container's log; "all" for the whole."""
    said: bytes = client.api.logs(state.id, tail=lines)
    return said.decode(errors="replace").rstrip()


def _explained(trouble: str, words: str) -> str:
    cause, next_step = advise(words)
    proof = "\n  ".join([line for line in words.splitlines() if line.strip()][-12:])
    head = f"{cause} ({trouble}); next: {next_step}" if cause else trouble
    return f"{head}\n  {proof}" if proof else head
