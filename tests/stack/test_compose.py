"""The Compose stack: up, down, kept, and broken in every way that has a name.

Needs an engine where it says so: ci/provision_docker.py makes one.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_wdtts.doctor import findings_of
from pytest_wdtts.errors import OwnFailure, StackError, UsageError
from pytest_wdtts.gate import Order
from pytest_wdtts.stack import CONTAINER_FAULTS, ComposeStack, Gateway
from pytest_wdtts.stack.advice import advise
from pytest_wdtts.transport import http_origin

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = str(ROOT / "ci" / "compose.yaml")


def _engine_missing() -> str:
    try:
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=20, check=False)
        alive = subprocess.run(["docker", "version"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == alive.returncode == 0 else "no Docker engine with Compose answers"


MISSING = _engine_missing()
needs_engine = pytest.mark.skipif(bool(MISSING), reason=f"{MISSING}: python ci/provision_docker.py run -- COMMAND")

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root may stop a container's shim or look into its /proc")


def containers_of(project: str) -> list[str]:
    label = f"label=com.docker.compose.project={project}"
    asked = ["docker", "ps", "--all", "--quiet", "--filter", label]
    return subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout.split()


def compose_stack(tmp_path: Path, environment: dict[str, str] | None = None, **more: Any) -> ComposeStack:
    stack = ComposeStack(environment, report_dir=str(tmp_path), compose_file=COMPOSE_FILE, **more)
    stack.diagnose = findings_of
    return stack


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("Got permission denied while trying to connect to the Docker daemon socket", "may not use"),
        ("Error while fetching server API version: ('...', PermissionError(13, 'Permission denied'))", "may not use"),
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "no Docker engine"),
        ("Error while fetching server API version: FileNotFoundError(2, 'No such file')", "no Docker engine"),
        ("docker: 'compose' is not a docker command.", "plug-in is missing"),
        ("unknown flag: --project-name", "plug-in is missing"),
        ("write /var/lib/docker/x: no space left on device", "disk is full"),
        ("Bind for 127.0.0.1:9000 failed: port is already allocated", "port 9000 is taken"),
        ("listen tcp4 0.0.0.0:8080: bind: address already in use", "port 8080 is taken"),
        ('could not select device driver "nvidia" with capabilities: [[gpu]]', "no NVIDIA runtime"),
        ("lookup registry-1.docker.io on 127.0.0.53:53: no such host", "registry cannot be reached"),
        ("WARNING: Retrying: NewConnectionError('Temporary failure in name resolution'): /simple/x/", "package index"),
        ("pull access denied for wdtts-x, repository does not exist", "image is missing"),
        ("yaml: line 3: mapping values are not allowed", "Compose file"),
        ("ERROR: No matching distribution found for aiohttp", "cannot be built"),
        ("something nobody foresaw", ""),
    ],
)
def test_what_docker_says_has_a_cause_and_a_next_step(words: str, cause: str) -> None:
    said, following = advise(words)
    assert cause in said
    assert bool(following) == bool(cause)


def test_a_taken_port_names_its_holder() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        said, _ = advise(f"Bind for 127.0.0.1:{port} failed: port is already allocated")
    assert f"(process {os.getpid()})" in said


def test_no_engine_is_named_with_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(StackError) as failed:
        compose_stack(tmp_path).start()
    assert "no Docker engine answers" in str(failed.value)
    assert "ci/provision_docker.py" in str(failed.value)


def test_no_compose_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WDTTS_COMPOSE_FILE", raising=False)
    with pytest.raises(UsageError, match="WDTTS_COMPOSE_FILE"):
        ComposeStack()


def test_a_stack_that_never_began_stops_in_silence(tmp_path: Path) -> None:
    stack = compose_stack(tmp_path)
    stack.stop()
    assert stack.pids() == []
    with pytest.raises(OwnFailure, match="nothing to break"):
        stack.break_down("gateway_restart")


def test_container_faults_need_a_stack_that_has_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UsageError, match="needs --wdtts-stack compose"):
        Order(scenario="s", shares={"gateway_cpu": {}}).make_stack()
    with pytest.raises(UsageError, match="leave --wdtts-url out"):
        Order(scenario="s", shares={"gateway_cpu": {}}, url="ws://127.0.0.1:1/tts").make_stack()
    assert Order(scenario="s", shares={"gateway_cpu": {}}, stack="compose").make_stack().name == "compose"
    with pytest.raises(UsageError, match="wdtts-defect"):
        Order(scenario="s", stack="compose", defects=("x",)).make_stack()


def health(gateway: Gateway, limit_s: float = 2.0) -> int:
    """The status of the gateway's health page; 0 where nobody answers."""
    try:
        return httpx.get(f"{http_origin(gateway.url)}/healthz", timeout=limit_s, trust_env=False).status_code
    except httpx.HTTPError:
        return 0


def eventually(condition: Callable[[], bool], limit_s: float = 30.0) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ComposeStack, Gateway]]:
    stack = compose_stack(tmp_path_factory.mktemp("stack"), profiles=("stub", "replicas"))
    try:
        yield stack, stack.start()
    finally:
        stack.stop()


@needs_engine
def test_it_comes_up_and_leaves_nothing_but_its_logs(tmp_path: Path) -> None:
    phases: list[str] = []
    stack = compose_stack(tmp_path)
    stack.say = phases.append
    gateway = stack.start()
    try:
        assert gateway.dummy_engine
        assert stack.pids()
        assert phases[:2] == ["build", "start"]
    finally:
        stack.stop()
    assert containers_of(stack.project) == []
    assert health(gateway) == 0
    saved = {path.name for path in (tmp_path / "stack").iterdir()}
    assert saved >= {"ws_gateway_tts.log", "llm.log", "orchestrator.log", "web.log", "containers.json"}
    assert "listening" in (tmp_path / "stack" / "ws_gateway_tts.log").read_text(encoding="utf-8")


@needs_engine
def test_what_a_killed_run_left_is_taken_down_by_the_next(tmp_path: Path) -> None:
    killed = compose_stack(tmp_path)
    owner = subprocess.Popen(["sleep", "600"])
    killed.project = f"wdtts-{owner.pid}-abcdef"
    try:
        killed.start()
    finally:
        owner.kill()
        owner.wait()
    next_one = compose_stack(tmp_path)
    try:
        next_one.start()
        assert containers_of(killed.project) == []
        assert containers_of(next_one.project)
    finally:
        next_one.stop()
        killed.stop()


@needs_engine
def test_a_kept_stack_is_taken_over(tmp_path: Path) -> None:
    first, second = compose_stack(tmp_path, keep=True), compose_stack(tmp_path, keep=True)
    try:
        before = first.start()
        kept = containers_of(first.project)
        first.stop()
        after = second.start()
        assert after.url == before.url
        assert after.health["started_at"] == before.health["started_at"]
        assert containers_of(second.project) == kept
    finally:
        down = ["docker", "compose", "-p", first.project, "-f", COMPOSE_FILE, "--profile", "stub", "down", "-t", "1"]
        subprocess.run(down, capture_output=True, timeout=60, check=True)


@needs_engine
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"WS_TTS_ENGINE": "nonsense"},
            [
                "in the phase health",
                "ws_gateway_tts",
                "restarts for ever",
                "WS_TTS_ENGINE='nonsense'",
                "correct it in ci/.env",
            ],
        ),
        (
            {"WS_TTS_ENGINE": "piper"},
            ["ws_gateway_tts", "set WS_TTS_PIPER_VOICE", "speech engine cannot start"],
        ),
        (
            {"STUB_LLM_START_S": "600", "HEALTH_START_PERIOD": "1s"},
            ["in the phase health", "llm is running, unhealthy", "503", "health check"],
        ),
        ({"SERVICE_MEMORY": "6m"}, ["the stack did not come up"]),
    ],
    ids=["wrong engine", "engine fails", "never healthy", "no memory"],
)
def test_a_service_that_does_not_come_is_named_with_proof(
    tmp_path: Path, environment: dict[str, str], words: list[str]
) -> None:
    stack = compose_stack(tmp_path, environment, healthy_limit_s=60.0)
    try:
        with pytest.raises(StackError) as failed:
            stack.start()
        assert len(list((tmp_path / "stack").glob("*.log"))) == 4, "of all services"
        told = str(failed.value)
        first, _, second = told.partition("wdtts doctor finds:")
        assert first.startswith("the stack did not come up"), "the first cause comes first"
        assert "BROKEN   containers: " in second
        assert (tmp_path / "stack" / "doctor.txt").read_text(encoding="utf-8").strip() in second
    finally:
        stack.stop()
    for word in words:
        assert word in str(failed.value)
    assert containers_of(stack.project) == []


@needs_engine
def test_a_service_that_is_only_slow_is_named_when_its_time_is_over(tmp_path: Path) -> None:
    stack = compose_stack(tmp_path, {"HEALTH_INTERVAL": "60s"}, healthy_limit_s=3.0)
    try:
        with pytest.raises(StackError, match="starting: not healthy within 3 s"):
            stack.start()
    finally:
        stack.stop()
    assert containers_of(stack.project) == []


@needs_engine
def test_a_missing_base_image_is_named(tmp_path: Path) -> None:
    stack = compose_stack(tmp_path, {"WDTTS_BASE_IMAGE": "127.0.0.1:9/no/such-image:1"})
    with pytest.raises(StackError, match="in the phase build"):
        stack.start()
    stack.stop()
    assert containers_of(stack.project) == []


@needs_engine
def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        stack = compose_stack(tmp_path, {"WEB_HOST_PORT": str(port)})
        try:
            with pytest.raises(StackError) as failed:
                stack.start()
        finally:
            stack.stop()
    assert f"port {port} is taken by" in str(failed.value)
    assert containers_of(stack.project) == []


@needs_engine
def test_two_projects_live_side_by_side(up: tuple[ComposeStack, Gateway], tmp_path: Path) -> None:
    other = compose_stack(tmp_path)
    try:
        gateway = other.start()
        assert gateway.url != up[1].url
        assert health(gateway) == health(up[1]) == 200
    finally:
        other.stop()
    assert health(up[1]) == 200


def gateway_port(stack: ComposeStack) -> str:
    asked = ["docker", "compose", "-p", stack.project, "-f", COMPOSE_FILE, "port", "ws_gateway_tts", "9000"]
    return subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout.strip()


@needs_engine
@pytest.mark.parametrize("how", ["gateway_restart", "gateway_drain", "gateway_pause", "gateway_disconnect"])
def test_a_gateway_that_is_taken_away_is_gone_and_comes_back(up: tuple[ComposeStack, Gateway], how: str) -> None:
    stack, _ = up
    # Behind the proxy two others would answer for it.
    direct = Gateway(f"ws://{gateway_port(stack)}/tts")
    assert health(direct) == 200
    stack.break_down(how)
    gone = eventually(lambda: health(direct, 0.5) != 200)
    stack.mend(how)
    assert gone
    assert eventually(lambda: health(direct) == 200)


@needs_engine
@pytest.mark.parametrize(
    "how",
    [
        *("gateway_cpu", "gateway_memory", "replica_loss", "proxy_reload"),
        pytest.param("gateway_logs", marks=needs_root),
    ],
)
def test_a_stack_under_strain_still_answers_and_is_eased(up: tuple[ComposeStack, Gateway], how: str) -> None:
    stack, gateway = up
    stack.break_down(how)
    under = eventually(lambda: health(gateway) == 200)
    stack.mend(how)
    assert under
    assert health(gateway) == 200


@needs_engine
def test_a_cpu_squeeze_is_real_and_is_undone(up: tuple[ComposeStack, Gateway]) -> None:
    def quota() -> str:
        ids = f"{up[0].project}-ws_gateway_tts-1"
        asked = ["docker", "inspect", "--format", "{{.HostConfig.CpuQuota}}", ids]
        return subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout.strip()

    before = quota()
    up[0].break_down("gateway_cpu")
    during = quota()
    up[0].mend("gateway_cpu")
    assert (before, during, quota()) == ("200000", "20000", "200000")


def test_every_container_fault_is_tried_here() -> None:
    tried = {"gateway_restart", "gateway_drain", "gateway_pause", "gateway_disconnect"}
    strained = {"gateway_cpu", "gateway_memory", "gateway_logs", "replica_loss", "proxy_reload"}
    assert tried | strained == CONTAINER_FAULTS


def test_the_page_about_compose_names_every_container_fault() -> None:
    page = (ROOT / "docs" / "how-to" / "compose.md").read_text(encoding="utf-8")
    assert [name for name in CONTAINER_FAULTS if f"`{name}(" not in page] == []
