"""What `ci/compose.yaml` says once the settings are filled in: hardened services, and the guide's flags for SGLang."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_wdtts.doctor.scene import read_env_file
from pytest_wdtts.errors import StackError
from tests.stack.test_compose import COMPOSE_FILE, ROOT, compose_stack, containers_of, needs_engine

EXAMPLE = ROOT / "ci" / ".env.example"
UP_LIMIT_S = 120.0
FULL = """\
#9 3.831 Installing collected packages: uvloop, aiohttp
#9 3.873 ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
------
failed to solve: executor failed running [/bin/sh -c python -m pip install aiohttp uvloop]: exit code: 1
"""
"""What a build says on an engine whose data lie on a full tmpfs; the reason stands in the build's own log alone."""


def configured(*profiles: str, **settings: str) -> dict[str, Any]:
    """The services as Compose understands them, with the settings of `.env.example`."""
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    asked = ["docker", "compose", "--env-file", str(EXAMPLE), "-f", COMPOSE_FILE, *chosen, "config", "--format", "json"]
    known = {name: value for name, value in os.environ.items() if name not in read_env_file(EXAMPLE)}
    done = subprocess.run(asked, env=known | settings, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def test_the_example_has_every_setting_but_the_stubs_own() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", Path(COMPOSE_FILE).read_text(encoding="utf-8")))
    assert {name for name in used if not name.startswith("STUB_")} - set(read_env_file(EXAMPLE)) == set()


@needs_engine
def test_sglang_gets_the_guides_parameters_a_gpu_and_time_to_download() -> None:
    sglang = configured("gpu", HF_TOKEN="hf_x", SGLANG_API_KEY="k")["sglang"]
    command = " ".join(sglang["command"])
    for words in (
        "--model-path twinkle-ai/Llama-3.2-3B-F1-Instruct",
        "--context-length 2048",
        "--mem-fraction-static 0.95",
        "--kv-cache-dtype fp8_e4m3",
        "--max-total-tokens 4096",
        "--allow-auto-truncate",
        "--api-key k",
    ):
        assert words in command
    assert sglang["environment"]["HF_TOKEN"] == "hf_x"
    assert sglang["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"
    assert sglang["volumes"][0]["target"] == "/root/.cache/huggingface"
    assert sglang["healthcheck"]["start_period"] == "30m0s"
    assert sglang["ports"][0]["published"] == "8082"
    assert "llm" in sglang["networks"]["default"]["aliases"]


@needs_engine
def test_what_is_not_asked_for_is_no_flag() -> None:
    command = " ".join(configured("gpu", SGLANG_ALLOW_AUTO_TRUNCATE="")["sglang"]["command"])
    assert "--allow-auto-truncate" not in command
    assert "--api-key" not in command


@needs_engine
def test_every_service_of_ours_is_hardened_bounded_and_watched() -> None:
    services = configured("stub", "replicas")
    assert len(services) == 7
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) == 512 * 1024**2, name
        assert service["cpu_quota"] == 200_000, name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", [])), name


@needs_engine
def test_in_a_container_nobody_is_root_and_nothing_can_be_written(tmp_path: Path) -> None:
    stack = compose_stack(tmp_path)
    try:
        stack.start()
        for service in ("ws_gateway_tts", "llm", "orchestrator", "web"):
            container = f"{stack.project}-{service}-1"
            asked = ["docker", "exec", container, "sh", "-c", "id -u; touch /app/x || touch /etc/x || echo kept"]
            said = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False).stdout.split()
            assert said == ["10001", "kept"], service
    finally:
        stack.stop()


@needs_engine
def test_a_full_disk_is_named_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "docker"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{FULL}END\nexit 17\n", encoding="utf-8")
    fake.chmod(0o755)
    stack = compose_stack(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    with pytest.raises(StackError, match=r"in the phase build: the disk is full .*; next: docker system df"):
        stack.start()
    stack.stop()
    monkeypatch.undo()
    assert containers_of(stack.project) == []


@needs_engine
def test_ctrl_c_takes_down_what_was_coming_up(tmp_path: Path) -> None:
    asked = ["-m", "baseline", "scenarios/baseline", "--wdtts-stack", "compose"]
    suite = subprocess.Popen(
        [sys.executable, "-m", "pytest", *asked, "--wdtts-report", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        give_up_s = time.monotonic() + UP_LIMIT_S
        while not projects_of(suite.pid):
            assert suite.poll() is None
            assert time.monotonic() < give_up_s
            time.sleep(0.1)
        suite.send_signal(signal.SIGINT)
        said, _ = suite.communicate(timeout=UP_LIMIT_S)
    finally:
        if suite.poll() is None:
            suite.kill()
            suite.communicate()
    assert suite.returncode == 2, said
    assert projects_of(suite.pid) == []


def projects_of(pid: int) -> list[str]:
    """Compose projects with containers, made by a process."""
    asked = ["docker", "ps", "--all", "--format", '{{.Label "com.docker.compose.project"}}']
    said = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout.split()
    return sorted({project for project in said if project.startswith(f"wdtts-{pid}-")})
