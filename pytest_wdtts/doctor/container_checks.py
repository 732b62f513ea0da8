"""Looks at the containers: state, restarts, the start's phase in the log, settings that did not arrive."""

from collections.abc import Iterator
from datetime import UTC, datetime

from ..stack import Startup, read_startup
from ..stack.engine import ContainerState, logs
from .finding import Finding, Severity
from .scene import Scene

OK, WARNING, BROKEN, UNKNOWN = Severity.OK, Severity.WARNING, Severity.BROKEN, Severity.UNKNOWN
LOG_LINES = 2000
LONG_PHASE_S = 900.0
_LLM_SERVICES = ("llm", "sglang")


def containers(scene: Scene) -> Iterator[Finding]:
    """Each service's state, health and restarts."""
    if not scene.containers:
        said = f"the project {scene.project} has no containers"
        yield Finding("containers", scene.project, BROKEN, said, (), "python ci/up")
    for state in scene.containers:
        yield _judge_container(scene, state)


def startup(scene: Scene) -> Iterator[Finding]:
    """The phase of the LLM's start, from its log (guide 5.3)."""
    now = datetime.now(UTC)
    if scene.log_file is not None:
        try:
            text = scene.log_file.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            yield Finding("startup", str(scene.log_file), UNKNOWN, f"the log cannot be read: {error.strerror}")
            return
        yield judge_startup(str(scene.log_file), read_startup(text))
        return
    for state in scene.containers:
        if state.service in _LLM_SERVICES:
            read = read_startup(logs(scene.client, state, LOG_LINES), now)
            if read.ready and state.status != "running":
                yield Finding("startup", state.service, UNKNOWN, f"it had started, and now {state.told}", read.proof)
            else:
                yield judge_startup(state.service, read)


def settings_arrived(scene: Scene) -> Iterator[Finding]:
    """Settings of `.env` that running containers do not have yet (guide 5.4 A)."""
    late: list[str] = []
    for state in scene.containers:
        words = scene.client.api.inspect_container(state.id)["Config"]["Env"] or []
        held = dict(word.split("=", 1) for word in words if "=" in word)
        for name, wanted in scene.settings.items():
            if name in held and held[name] != wanted:
                late.append(state.service)
                said = f"{state.service} runs with {name}={held[name]!r}, ci/.env says {wanted!r}"
                following = f"docker compose -f {scene.compose_file} up -d --force-recreate {state.service}"
                yield Finding("settings_arrived", name, BROKEN, said, (), following)
    if not late and scene.settings:
        yield Finding(
            "settings_arrived", str(scene.env_file), OK, "every running container has the settings of the file"
        )


def judge_startup(subject: str, read: Startup) -> Finding:
    """Turn what a log says into a finding."""
    if not read.phase and not read.failure:
        return Finding("startup", subject, UNKNOWN, "its log shows no phase of a start that we know", read.proof)
    shards = f", shard {read.shards}" if read.shards else ""
    since = f" for {read.since_s:.0f} s" if read.since_s is not None else ""
    where = f"in the phase {read.phase or 'process'}{shards}{since} ({read.meaning or 'the process starts'})"
    if read.failure:
        return Finding("startup", subject, BROKEN, f"{read.cause}; {where}", read.proof, read.next)
    if read.ready:
        return Finding("startup", subject, OK, "started: it serves", read.proof)
    stuck = (read.since_s or 0.0) > LONG_PHASE_S
    usual = f"; what usually fails here: {read.usual}" if read.usual else ""
    return Finding("startup", subject, BROKEN if stuck else WARNING, f"still {where}{usual}", read.proof)


def _judge_container(scene: Scene, state: ContainerState) -> Finding:
    following = f"docker compose -p {scene.project} logs --tail 200 {state.service}"
    if state.status == "exited" and not state.exit_code:
        following = f"docker compose -f {scene.compose_file} -p {scene.project} up -d {state.service}"
        return Finding("containers", state.service, BROKEN, f"{state.told}: it was stopped", (), following)
    proof: tuple[str, ...] = (state.health_words.splitlines()[-1],) if state.health_words and not state.ready else ()
    if state.oom_killed:
        return Finding("containers", state.service, BROKEN, state.told, proof, "raise SERVICE_MEMORY in ci/.env")
    if state.ready:
        severity = WARNING if state.restarts else OK
        return Finding("containers", state.service, severity, state.told, proof, following if state.restarts else "")
    severity = WARNING if state.health == "starting" and not state.restarts else BROKEN
    if severity is BROKEN:
        words = logs(scene.client, state, 200)
        read = read_startup(words)
        proof += read.proof or tuple(words.splitlines()[-3:])
        if read.cause:
            return Finding("containers", state.service, BROKEN, f"{state.told}: {read.cause}", proof, read.next)
    return Finding("containers", state.service, severity, state.told, proof, following)
