"""The doctor at a Compose stack whose containers are broken in turn: each is named, and what healed is well again."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from pytest_wdtts.doctor import Finding, Scene, Severity, examine
from pytest_wdtts.doctor.failed_start import scene_of
from pytest_wdtts.stack import ComposeStack
from tests.stack.test_compose import COMPOSE_FILE, compose_stack, eventually, needs_engine

STEP_LIMIT_S = 3.0
LOOKS = (
    *("containers", "startup", "settings_arrived", "llm_health", "gateway_health", "gateway_utterance"),
    *("orchestrator_health", "orchestrator_chat", "web_page"),
)

Broken = Callable[[ComposeStack], AbstractContextManager[object]]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    stack = compose_stack(tmp_path_factory.mktemp("stack"), {"HEALTH_START_PERIOD": "1s"})
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


def docker(*words: str, **environment: str) -> None:
    done = subprocess.run(
        ["docker", *words], env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def done_to(service: str, *does: str, undo: tuple[str, ...]) -> Broken:
    """One docker command on a service's container, and the one that undoes it."""

    @contextmanager
    def broken(stack: ComposeStack) -> Iterator[None]:
        container = f"{stack.project}-{service}-1"
        docker(*does, container)
        try:
            yield
        finally:
            docker(*undo, container)

    return broken


@contextmanager
def frozen(stack: ComposeStack) -> Iterator[None]:
    stack.break_down("gateway_pause")
    try:
        yield
    finally:
        stack.mend("gateway_pause")


def off_its_network(service: str) -> Broken:
    @contextmanager
    def broken(stack: ComposeStack) -> Iterator[None]:
        network, container = f"{stack.project}_default", f"{stack.project}-{service}-1"
        docker("network", "disconnect", "--force", network, container)
        try:
            yield
        finally:
            docker("network", "connect", "--alias", service, network, container)

    return broken


def with_settings(service: str, **settings: str) -> Broken:
    """The service made anew with other settings, and again with its own."""

    @contextmanager
    def broken(stack: ComposeStack) -> Iterator[None]:
        again = ["compose", "-p", stack.project, "-f", COMPOSE_FILE, "up", "-d", "--no-build", "--no-deps"]
        docker(*again, "--force-recreate", service, **(stack.settings | settings))
        try:
            yield
        finally:
            docker(*again, "--force-recreate", service, **stack.settings)

    return broken


def look(stack: ComposeStack, looks: tuple[str, ...] = LOOKS, **given: str) -> list[Finding]:
    scene = scene_of(stack, STEP_LIMIT_S)
    scene.given = scene.given | given
    try:
        return list(examine(scene, looks))
    finally:
        scene.close()


def named(stack: ComposeStack, check: str, words: str) -> bool:
    return any(
        one.severity in (Severity.BROKEN, Severity.UNKNOWN) and words in " ".join((one.said, *one.evidence))
        for one in look(stack, (check,))
    )


def well(stack: ComposeStack) -> bool:
    # A service that was made to restart says so until it is made anew: that is a warning, and right.
    return not any(one.severity is Severity.BROKEN for one in look(stack))


RESTARTS = {"MAX_NEW_TOKENS": "many"}
# (what is broken, how, the look that names it, the words that prove it)
BROKEN: list[tuple[str, Broken, str, str]] = [
    (
        "gateway killed",
        done_to("ws_gateway_tts", "kill", undo=("start",)),
        "containers",
        "ws_gateway_tts is exited with exit code 137",
    ),
    ("gateway frozen", frozen, "containers", "ws_gateway_tts is paused"),
    ("gateway off its network", off_its_network("ws_gateway_tts"), "orchestrator_chat", "tts_unreachable"),
    ("llm off its network", off_its_network("llm"), "orchestrator_chat", "llm_unreachable"),
    ("page stopped", done_to("web", "stop", undo=("start",)), "web_page", "refused"),
    ("llm stopped", done_to("llm", "stop", undo=("start",)), "containers", "llm is exited with exit code 0"),
    ("llm had started", done_to("llm", "kill", undo=("start",)), "startup", "it had started, and now llm is exited"),
    (
        "orchestrator restarts for ever",
        with_settings("orchestrator", **RESTARTS),
        "containers",
        "a setting holds what it cannot hold",
    ),
    ("llm never healthy", with_settings("llm", STUB_LLM_START_S="600"), "containers", "llm is running, unhealthy"),
    (
        "gateway without its voice",
        with_settings("ws_gateway_tts", WS_TTS_ENGINE="piper"),
        "containers",
        "the gateway's speech engine cannot start",
    ),
]


@needs_engine
@pytest.mark.parametrize(("name", "broken", "check", "words"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_broken_container_is_named_and_a_healed_one_is_well(
    up: ComposeStack, name: str, broken: Broken, check: str, words: str
) -> None:
    with broken(up):
        assert eventually(lambda: named(up, check, words)), look(up)
    assert eventually(lambda: well(up)), look(up)


@needs_engine
def test_a_setting_that_a_running_container_does_not_have_is_named(up: ComposeStack) -> None:
    found = [one for one in look(up, ("settings_arrived",), MAX_NEW_TOKENS="77") if one.check == "settings_arrived"]
    assert [one.subject for one in found] == ["MAX_NEW_TOKENS"]
    assert "'512'" in found[0].said
    assert "--force-recreate orchestrator" in found[0].next


@needs_engine
def test_a_project_without_containers_is_named(up: ComposeStack) -> None:
    scene = scene_of(up, STEP_LIMIT_S)
    scene.project = "wdtts-nobody"
    try:
        (only,) = examine(scene, ["containers"])
    finally:
        scene.close()
    assert only.said == "the project wdtts-nobody has no containers"
    assert only.next == "python ci/up"


def test_an_engine_that_is_gone_leaves_the_other_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    nobody = "http://127.0.0.1:9"
    scene = Scene(nobody, "ws://127.0.0.1:9/tts", "ws://127.0.0.1:9/chat", nobody, nobody, tmp_path / ".env")
    found = {one.check: one for one in examine(scene)}
    assert found["containers"].severity is Severity.UNKNOWN
    assert "no Docker engine answers" in found["containers"].said
    assert found["gateway_health"].severity is Severity.BROKEN
