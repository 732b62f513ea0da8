"""What the gateway and the services beside it have in common: how they start, and what they say of strangers."""

import contextlib
import socket
import subprocess
import sys
import time

import pytest

from tests.services import LIMIT_S, Service, gateway, stub_llm


def run(service: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", f"reference_gateway.{service}", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=LIMIT_S, env=environment)


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("orchestrator", "ORCHESTRATOR_PORT=9100"),
        ("stub_llm", "STUB_LLM_PORT=30000"),
        ("web", "ORCHESTRATOR_URL=ws://localhost:9100/chat"),
    ],
)
def test_asked_for_help_a_service_names_its_variables_and_does_not_start(service: str, variable: str) -> None:
    told = run(service, "--help")
    assert told.returncode == 0
    assert variable in told.stdout
    assert "listening" not in told.stdout


@pytest.mark.parametrize("service", ["orchestrator", "stub_llm", "web"])
def test_an_argument_is_refused_not_ignored(service: str) -> None:
    told = run(service, "--port", "1")
    assert told.returncode == 2
    assert "unrecognized arguments: --port 1" in told.stderr


def test_a_wrong_variable_is_named() -> None:
    told = run("stub_llm", STUB_LLM_PORT="x")
    assert (told.returncode, told.stderr) == (2, "stub_llm: Expected `int`, got `str` - at `STUB_LLM_PORT`\n")


GARBAGE = {
    "no_version": b"GET / HTTP/9.9\r\n\r\n",
    "no_colon": b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    "endless_line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
}


def sent(service: Service, garbage: bytes) -> None:
    host, port = service.authority.split(":")
    with socket.create_connection((host, int(port)), timeout=LIMIT_S) as wire, contextlib.suppress(ConnectionError):
        wire.sendall(garbage)
        while wire.recv(65536):
            pass


def test_who_speaks_no_http_is_worth_one_short_line() -> None:
    with gateway() as tts, stub_llm() as llm:
        for service in (tts, llm):
            for garbage in GARBAGE.values():
                before = len(service.words)
                sent(service, garbage)
                deadline_s = time.monotonic() + LIMIT_S
                while len(service.words) == before:
                    assert time.monotonic() < deadline_s, garbage[:20]
                    time.sleep(0.01)
            about = [line for line in service.words if "127.0.0.1: 400" in line]
            assert len(about) == len(GARBAGE), service.words
            assert max(map(len, about)) < 250
            assert not any("Traceback" in line for line in service.words)
