"""The table of looks, and the round: every look gets its turn, and one that fails spoils no other."""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from ..errors import WdttsError
from . import container_checks, service_checks
from .finding import Finding, Severity, redacted
from .scene import Scene, Unanswered
from .setting_rules import look_at_settings


class Look(Struct, frozen=True):
    """One entry: `needs` names a look that has to find nothing broken before this one makes sense."""

    name: str
    subject: str
    look: Callable[[Scene], Iterable[Finding]]
    docker: bool = False
    needs: str = ""
    next: str = ""


_PS = "docker compose -f ci/compose.yaml ps"
LOOKS = (
    Look("settings", ".env", look_at_settings),
    Look("containers", "Docker", container_checks.containers, docker=True),
    Look("startup", "llm", container_checks.startup, docker=True),
    Look("settings_arrived", "containers", container_checks.settings_arrived, docker=True),
    Look("llm_health", "llm", service_checks.llm_health, next=_PS),
    Look("llm_models", "llm", service_checks.llm_models, needs="llm_health"),
    Look("llm_answer", "llm", service_checks.llm_answer, needs="llm_models"),
    Look("llm_compared", "llm", service_checks.llm_compared),
    Look("llm_long_prompt", "llm", service_checks.llm_long_prompt, needs="llm_answer"),
    Look("gateway_health", "gateway", service_checks.gateway_health, next=_PS),
    Look("gateway_utterance", "gateway", service_checks.gateway_utterance),
    Look("orchestrator_health", "orchestrator", service_checks.orchestrator_health, next=_PS),
    Look("orchestrator_chat", "orchestrator", service_checks.orchestrator_chat),
    Look("web_page", "web", service_checks.web_page, next=_PS),
)


def examine(scene: Scene, only: Iterable[str] = ()) -> Iterator[Finding]:
    """Yield findings as they are made, redacted; `only` names looks, all of them where it is empty."""
    wanted, broken = set(only), set()
    for look in LOOKS:
        if wanted and look.name not in wanted:
            continue
        if look.docker and not scene.use_docker and not (look.name == "startup" and scene.log_file):
            continue
        if look.needs in broken:
            broken.add(look.name)
            yield Finding(look.name, look.subject, Severity.UNKNOWN, f"not looked at, because {look.needs} is broken")
            continue
        for finding in _turn(look, scene):
            if finding.severity is Severity.BROKEN:
                broken.add(look.name)
            yield redacted(finding, scene.secrets)


def _turn(look: Look, scene: Scene) -> Iterator[Finding]:
    try:
        yield from look.look(scene)
    except Unanswered as error:
        yield Finding(look.name, look.subject, Severity.BROKEN, str(error), (), look.next)
    except WdttsError as error:
        yield Finding(
            look.name, look.subject, Severity.UNKNOWN, str(error).splitlines()[0], tuple(str(error).splitlines()[1:])
        )
    except Exception as error:  # a look of ours that crashes must not hide the others
        yield Finding(
            look.name, look.subject, Severity.UNKNOWN, f"the look itself failed: {type(error).__name__}: {error}"
        )
