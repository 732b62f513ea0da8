"""The doctor called to a stack of ours that did not come up: what it finds broken, in words for the error."""

from ..stack import ComposeStack
from .examine import examine
from .finding import Severity
from .printing import as_text
from .scene import Scene

LOOKS = ("containers", "startup", "llm_health", "gateway_health", "orchestrator_health", "web_page")
STEP_LIMIT_S = 3.0


def findings_of(stack: ComposeStack) -> str:
    """All that is broken, one finding below the other; "" where nothing is."""
    scene = scene_of(stack, STEP_LIMIT_S)
    try:
        return "\n".join(as_text(one) for one in examine(scene, LOOKS) if one.severity is Severity.BROKEN)
    finally:
        scene.close()


def scene_of(stack: ComposeStack, limit_s: float) -> Scene:
    """Where to look; `limit_s` is the deadline of each step."""
    at = stack.addresses()
    return Scene(
        llm_url=f"http://{at['llm']}",
        tts_url=f"ws://{at['ws_gateway_tts']}/tts",
        chat_url=f"ws://{at['orchestrator']}/chat",
        orchestrator_url=f"http://{at['orchestrator']}",
        web_url=f"http://{at['web']}",
        env_file=stack.env_file,
        project=stack.project,
        limit_s=limit_s,
        given=stack.settings,
    )
