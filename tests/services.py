"""Child processes of the reference stack for tests: started on free ports, stopped by process id."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LIMIT_S = 30.0


@dataclass(frozen=True)
class Service:
    """A child that listens; `url` is what it printed, `http` and `ws` its origin in both spellings.

    `words` are the lines that it wrote so far.
    """

    url: str
    pid: int
    words: list[str]

    @property
    def authority(self) -> str:
        return self.url.split("//", 1)[1].split("/", 1)[0]

    @property
    def http(self) -> str:
        return f"http://{self.authority}"

    @property
    def ws(self) -> str:
        return f"ws://{self.authority}"


@contextmanager
def serving(module: str, **environment: str) -> Iterator[Service]:
    """Run `python -m reference_gateway[.module]` until the block ends. Raises `AssertionError` with its words."""
    name = f"reference_gateway.{module}" if module else "reference_gateway"
    process = subprocess.Popen(
        [sys.executable, "-m", name],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    listening: queue.Queue[str] = queue.Queue()
    words: list[str] = []

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            words.append(line)
            if " listening on " in line:
                listening.put(line.split(" listening on ")[1].strip())
        listening.put("")

    threading.Thread(target=listen, daemon=True).start()
    try:
        url = listening.get(timeout=LIMIT_S)
        assert url, f"{name} did not start:\n{''.join(words)}"
        yield Service(url.replace("0.0.0.0", "127.0.0.1"), process.pid, words)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(LIMIT_S)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def gateway(**environment: str) -> Iterator[Service]:
    local = {"WS_TTS_HOST": "127.0.0.1", "WS_TTS_PORT": "0", "WS_TTS_DRAIN_GRACE_S": "0"}
    with serving("", **(local | environment)) as service:
        yield service


@contextmanager
def stub_llm(**environment: str) -> Iterator[Service]:
    local = {"STUB_LLM_HOST": "127.0.0.1", "STUB_LLM_PORT": "0", "STUB_LLM_TOKENS_PER_S": "400"}
    with serving("stub_llm", **(local | environment)) as service:
        yield service


@contextmanager
def orchestrator(llm_url: str, tts_url: str, **environment: str) -> Iterator[Service]:
    local = {
        "ORCHESTRATOR_HOST": "127.0.0.1",
        "ORCHESTRATOR_PORT": "0",
        "SGLANG_BASE_URL": llm_url,
        "WS_TTS_URL": tts_url,
    }
    with serving("orchestrator", **(local | environment)) as service:
        yield service


@contextmanager
def web(llm_url: str, tts_url: str, chat_url: str) -> Iterator[Service]:
    local = {
        "WEB_HOST": "127.0.0.1",
        "WEB_PORT": "0",
        "SGLANG_BASE_URL": llm_url,
        "WS_TTS_URL": tts_url,
        "ORCHESTRATOR_URL": chat_url,
    }
    with serving("web", **local) as service:
        yield service
