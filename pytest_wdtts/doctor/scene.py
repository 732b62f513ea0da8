"""What the doctor looks at: addresses, the settings of `.env`, the containers of a project."""

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import httpx

from ..errors import StackError
from ..stack.engine import Client, ContainerState, connect, states

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


class Unanswered(Exception):
    """Nobody answered, or not in time; the text says what happened at which address."""


@dataclass
class Scene:
    """One deployment. Addresses have no path, but `tts_url` and `chat_url`, which are WebSocket URLs."""

    llm_url: str
    tts_url: str
    chat_url: str
    orchestrator_url: str
    web_url: str
    env_file: Path
    project: str = ""
    compose_file: str = "ci/compose.yaml"
    log_file: Path | None = None
    use_docker: bool = True
    gpu_gb: float = 8.0
    limit_s: float = 20.0
    ab_url: str = ""
    ab_model: str = ""
    given: dict[str, str] = field(default_factory=dict)
    """Settings that Compose got beside the file, and that win over it."""

    @cached_property
    def settings(self) -> dict[str, str]:
        """The settings of `.env`; {} where there is none."""
        return read_env_file(self.env_file) | self.given

    def setting(self, name: str) -> str:
        """One setting: of the file, else of the doctor's own environment, as Compose would read it."""
        return self.given.get(name) or os.environ.get(name) or self.settings.get(name, "")

    @property
    def secrets(self) -> dict[str, str]:
        """Every setting whose value may have to be hidden."""
        return {**os.environ, **self.settings}

    @cached_property
    def client(self) -> Client:
        """The engine. Raises `StackError`."""
        if not self.use_docker:
            raise StackError("asked not to look at Docker")
        return connect()

    @cached_property
    def containers(self) -> list[ContainerState]:
        """The project's containers. Raises `StackError` where there is no engine."""
        return states(self.client, self.project)

    def close(self) -> None:
        """Let go of the engine, if it was asked."""
        if "client" in self.__dict__:
            self.client.close()

    def get(self, url: str, key: str = "") -> httpx.Response:
        """GET a page. Raises `Unanswered`."""
        return self._ask("GET", url, key)

    def post(self, url: str, key: str, body: object) -> httpx.Response:
        """POST JSON. Raises `Unanswered`."""
        return self._ask("POST", url, key, body)

    def _ask(self, method: str, url: str, key: str, body: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            return httpx.request(method, url, headers=headers, json=body, timeout=self.limit_s, trust_env=False)
        except httpx.TimeoutException:
            raise Unanswered(f"{url}: no answer within {self.limit_s:g} s") from None
        except httpx.HTTPError as error:
            raise Unanswered(f"{url}: {error}") from None


def read_env_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines as Compose does: comments, quotes and `export` included; {} where there is no file."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError:
        return {}
    return {found[1]: _unquoted(found[2]) for line in lines if (found := _LINE.match(line))}


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value
    return re.split(r"\s+#", value)[0] if not value.startswith("#") else ""
