"""The whole deployment under Docker Compose: up with a reason when it does not come, down always."""

import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import OwnFailure, StackError, UsageError
from ..transport import http_origin
from .cgroup import sample_container
from .container_faults import CONTAINER_FAULTS, Heal, break_container
from .engine import Client, ContainerState, compose, connect, logs, states
from .health import read_health
from .projects import KEPT, free_port, orphans, own_project, ports_of
from .seam import Gateway
from .startup import read_startup

COMPOSE_FILE = "ci/compose.yaml"
BUILD_LIMIT_S = 900.0
UP_LIMIT_S = 120.0
HEALTHY_LIMIT_S = 90.0
DOWN_LIMIT_S = 60.0
GATEWAY = "ws_gateway_tts"
PROXY = "proxy"
RESTARTS_FOR_EVER = 3
_POLL_S = 0.2
_USED = ("cpu_s", "throttled_s", "rss_bytes", "sockets")
_PORTS = {
    GATEWAY: "WS_TTS_HOST_PORT",
    PROXY: "WS_TTS_REPLICAS_HOST_PORT",
    "llm": "SGLANG_HOST_PORT",
    "orchestrator": "ORCHESTRATOR_HOST_PORT",
    "web": "WEB_HOST_PORT",
}

Say = Callable[[str], None]
_log = logging.getLogger(__name__)


class ComposeStack:
    """`ci/compose.yaml`, or one like it, under a project name of its own and on free ports of 127.0.0.1.

    `keep` leaves it up, and the next start takes it over. With the profile `replicas` the load goes to the proxy.
    `say` hears what it waits for, `diagnose` tells what else is broken where it does not come up.
    """

    name = "compose"
    breaks = CONTAINER_FAULTS

    def __init__(
        self,
        environment: dict[str, str] | None = None,
        api_key: str = "",
        report_dir: str = "wdtts-report",
        compose_file: str = "",
        keep: bool = False,
        profiles: tuple[str, ...] = ("stub",),
        healthy_limit_s: float = HEALTHY_LIMIT_S,
    ) -> None:
        self._file = Path(compose_file or os.environ.get("WDTTS_COMPOSE_FILE") or COMPOSE_FILE)
        if not self._file.is_file():
            raise UsageError(f"there is no {self._file}: run from a checkout, or name your own with WDTTS_COMPOSE_FILE")
        self.project = KEPT if keep else own_project()
        self._environment = {"WS_TTS_ENGINE": os.environ.get("WS_TTS_ENGINE", "dummy"), "HEALTH_INTERVAL": "1s"}
        self._environment |= {"COMPOSE_PROFILES": ",".join(profiles)} | (environment or {})
        if api_key:
            self._environment["WS_TTS_API_KEY"] = api_key
        self._api_key = api_key
        self._keep = keep
        self._entrance = PROXY if "replicas" in profiles else GATEWAY
        self._logs_dir = Path(report_dir) / "stack"
        self._healthy_limit_s = healthy_limit_s
        self.say: Say = lambda words: None
        self.diagnose: Callable[[ComposeStack], str] = lambda stack: ""
        self._client: Client | None = None
        self._began = False
        self._pids: dict[str, int] = {}
        self._heals: dict[str, Heal] = {}

    def start(self) -> Gateway:
        """Build, start, wait until every service is healthy.

        Raises `StackError` that names service, phase, the lines of log that prove it, and the next step.
        """
        try:
            return self._start()
        except StackError as error:
            self._save_logs()
            raise StackError(f"{error}{self._second_opinion()}") from None

    def addresses(self) -> dict[str, str]:
        """Where each service is published, by its name."""
        return {service: f"127.0.0.1:{self._environment[variable]}" for service, variable in _PORTS.items()}

    @property
    def settings(self) -> dict[str, str]:
        """What Compose is given beside the settings of `env_file`."""
        return dict(self._environment)

    @property
    def env_file(self) -> Path:
        """Where Compose looks for more settings."""
        return self._file.parent / ".env"

    def _second_opinion(self) -> str:
        """What else is broken, below the first cause; kept beside the logs. Trouble here must not hide that cause."""
        found = ""
        if self._began:
            with suppress(Exception):
                if found := self.diagnose(self):
                    (self._logs_dir / "doctor.txt").write_text(found + "\n", encoding="utf-8")
        return f"\nwdtts doctor finds:\n{found}" if found else ""

    def _start(self) -> Gateway:
        self._client = connect()
        self._sweep()
        self._choose_ports()
        self._phase("build", lambda: self._compose(["--progress", "plain", "build"], BUILD_LIMIT_S))
        self._began = True
        self._phase("start", lambda: self._compose(["up", "--detach", "--no-build"], UP_LIMIT_S))
        self._phase("health", self._await_health)
        self._note_pids()
        url = f"ws://127.0.0.1:{self._environment[_PORTS[self._entrance]]}/tts"
        return Gateway(url, self._api_key, read_health(http_origin(url)))

    def stop(self) -> None:
        """Save the logs and take everything down, unless it is to be kept. What is still broken is healed first."""
        for heal in self._heals.values():
            with suppress(Exception):
                heal()
        self._heals.clear()
        if self._began:
            self._save_logs()
            if not self._keep:
                with suppress(StackError):
                    self._compose(["down", "--volumes", "--remove-orphans", "--timeout", "2"], DOWN_LIMIT_S)
        self._began = False
        if self._client is not None:
            self._client.close()
            self._client = None

    def pids(self) -> list[int]:
        """Process ids, as the host counts them, of the gateway's containers; empty where the engine is elsewhere."""
        return [pid for service, pid in self._pids.items() if service.startswith(GATEWAY)]

    def containers(self) -> dict[str, int]:
        """The main process of each container by its service; {} where the engine is elsewhere."""
        return dict(self._pids)

    def break_down(self, how: str) -> None:
        """Break the gateway's container. Raises `OwnFailure` for a fault that is none of a container."""
        if self._client is None:
            raise OwnFailure("the Compose stack is not up: there is nothing to break")
        self._heals[how] = break_container(self._client, self.project, how)

    def mend(self, how: str) -> None:
        """Undo it, and wait until the gateway answers. Raises `StackError`."""
        from docker.errors import DockerException

        try:
            self._heals.pop(how)()
        except DockerException as error:
            raise OwnFailure(f"{how} could not be healed: {error}") from None
        deadline_s = time.monotonic() + self._healthy_limit_s
        origin = f"http://127.0.0.1:{self._environment[_PORTS[self._entrance]]}"
        while True:
            with suppress(StackError):
                if read_health(origin):
                    self._note_pids()
                    return
            if time.monotonic() > deadline_s:
                raise StackError(f"after {how} the gateway does not answer within {self._healthy_limit_s:g} s")
            time.sleep(_POLL_S)

    def _sweep(self) -> None:
        """Take down what a run left that was killed before it could."""
        for project in orphans(self._client):
            with suppress(StackError):
                down = ["--file", str(self._file), "down", "--volumes", "--remove-orphans", "--timeout", "1"]
                compose(["--project-name", project, *down], self._environment, DOWN_LIMIT_S)

    def _note_pids(self) -> None:
        # Noted once: whoever samples asks in the middle of the load, and the engine takes its time to answer.
        found = {state.service: state.pid for state in states(self._client, self.project)}
        self._pids = {service: pid for service, pid in found.items() if pid and Path(f"/proc/{pid}").exists()}

    def _phase(self, name: str, work: Callable[[], object]) -> None:
        self._tell(name)
        try:
            work()
        except StackError as error:
            raise StackError(f"the stack did not come up, in the phase {name}: {error}") from None

    def _tell(self, words: str) -> None:
        _log.info(words)
        self.say(words)

    def _compose(self, arguments: list[str], limit_s: float) -> str:
        place = ["--project-name", self.project, "--file", str(self._file)]
        return compose([*place, *arguments], self._environment, limit_s)

    def _choose_ports(self) -> None:
        """Take the ports of a kept stack, else free ones: a port that Docker picks changes with a restart."""
        kept = ports_of(self._client, KEPT) if self._keep else {}
        for service, variable in _PORTS.items():
            if variable not in self._environment:
                chosen = kept.get(service) or os.environ.get(variable) or free_port(set(self._environment.values()))
                self._environment[variable] = chosen

    def _await_health(self) -> None:
        deadline_s = time.monotonic() + self._healthy_limit_s
        before = ""
        while True:
            seen = states(self._client, self.project)
            if seen and all(state.ready for state in seen):
                return
            waits_for = ", ".join(state.told for state in seen if not state.ready) or "nothing runs yet"
            if waits_for != before:
                self._tell(f"health within {self._healthy_limit_s:g} s: {waits_for}")
                before = waits_for
            # What ended or restarts comes first: whoever leans on it is unhealthy because of it.
            for state in sorted(seen, key=lambda state: state.health == "unhealthy"):
                if state.restarts >= RESTARTS_FOR_EVER or (state.restarts and state.health == "unhealthy"):
                    raise StackError(self._told(state, "it restarts for ever"))
                if state.status in ("exited", "dead"):
                    raise StackError(self._told(state, "it ended"))
                if state.health == "unhealthy":
                    raise StackError(self._told(state, "its health check fails"))
            if time.monotonic() > deadline_s:
                late = next((state for state in seen if not state.ready), None)
                reason = f"not healthy within {self._healthy_limit_s:g} s"
                raise StackError(self._told(late, reason) if late else f"no service runs: {reason}")
            time.sleep(_POLL_S)

    def _told(self, state: ContainerState, reason: str) -> str:
        """One service's trouble, with what proves it and what to do."""
        words = logs(self._client, state, 200)
        startup = read_startup(words)
        proof = startup.proof or words.splitlines()[-8:] or ["(it said nothing)"]
        lines = [f"{state.told}: {reason}", *(f"  {line}" for line in proof)]
        if state.error:
            lines.append(f"  engine: {state.error}")
        if state.health_words:
            lines.append(f"  health check: {state.health_words.splitlines()[-1]}")
        if startup.cause:
            lines.append(f"{startup.cause}; next: {startup.next}")
        else:
            lines.append(f"next: docker compose -p {self.project} logs {state.service}; all logs: {self._logs_dir}")
        return "\n".join(lines)

    def _save_logs(self) -> None:
        """Keep what the services said. Whatever goes wrong here must not hide why we are here."""
        if self._client is None:
            return
        with suppress(Exception):
            self._logs_dir.mkdir(parents=True, exist_ok=True)
            described = []
            for state in states(self._client, self.project):
                text = logs(self._client, state, "all")
                (self._logs_dir / f"{state.service}.log").write_text(text + "\n", encoding="utf-8")
                used = sample_container(state.service, state.pid, 0) if state.pid else None
                described.append(
                    {"service": state.service, "state": state.told, "restarts": state.restarts}
                    | ({name: getattr(used, name) for name in _USED} if used else {})
                )
            (self._logs_dir / "containers.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
