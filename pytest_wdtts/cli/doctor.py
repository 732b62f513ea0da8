"""`wdtts doctor`: what is wrong with the stack, with proof and the next command (guide, chapter 5)."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..doctor import Scene

_PORTS = {"llm": ("SGLANG_HOST_PORT", 8082), "tts": ("WS_TTS_HOST_PORT", 9000)} | {
    "orchestrator": ("ORCHESTRATOR_HOST_PORT", 9100),
    "web": ("WEB_HOST_PORT", 8080),
}
EPILOG = "Exit code: 0 all is well, 1 something is broken, 5 warnings only, 3 something could not be looked at."


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "doctor", help="say what is wrong with the stack", description=__doc__, epilog=EPILOG
    )
    parser.add_argument("--env-file", type=Path, default=Path("ci/.env"), help="settings (default ci/.env)")
    parser.add_argument("--compose-file", default="ci/compose.yaml")
    parser.add_argument("--project", default="ci", help="Compose project (default ci, the directory of the file)")
    parser.add_argument("--no-docker", action="store_true", help="look from outside only")
    parser.add_argument("--llm-url", help="default: 127.0.0.1 and the port in the settings")
    parser.add_argument("--tts-url", help="WebSocket URL of the gateway")
    parser.add_argument("--chat-url", help="WebSocket URL of the orchestrator")
    parser.add_argument("--web-url")
    parser.add_argument("--log", type=Path, help="read the LLM's start from this file, not from its container")
    parser.add_argument("--gpu-gb", type=float, default=8.0, help="memory of the GPU (default 8)")
    parser.add_argument("--ab-url", default="", help="second LLM to compare answers with")
    parser.add_argument("--ab-model", default="", help="second model to compare answers with")
    parser.add_argument("--only", action="append", default=[], metavar="CHECK", help="make this look only; repeatable")
    parser.add_argument("--limit", type=float, default=20.0, metavar="S", help="deadline of each step (default 20 s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=doctor)


def doctor(chosen: argparse.Namespace) -> int:
    """Look at everything; print as it is found."""
    from ..doctor import LOOKS, as_json, as_sum, as_text, examine, exit_code
    from ..errors import UsageError

    names = [look.name for look in LOOKS]
    if unknown := sorted(set(chosen.only) - set(names)):
        raise UsageError(f"no check {', '.join(unknown)}: one of {', '.join(names)}")
    findings = []
    scene = make_scene(chosen)
    try:
        for finding in examine(scene, chosen.only):
            findings.append(finding)
            if not chosen.json:
                sys.stdout.write(as_text(finding) + "\n")
                sys.stdout.flush()
    finally:
        scene.close()
    sys.stdout.write((as_json(findings) if chosen.json else as_sum(findings)) + "\n")
    return exit_code(findings)


def make_scene(chosen: argparse.Namespace) -> "Scene":
    """Return what to look at; addresses that were not given come from the settings' ports."""
    from ..doctor import Scene
    from ..doctor.scene import read_env_file
    from ..transport import http_origin

    settings = read_env_file(chosen.env_file)

    def here(service: str) -> str:
        name, default = _PORTS[service]
        return f"127.0.0.1:{os.environ.get(name) or settings.get(name) or default}"

    chat_url = chosen.chat_url or f"ws://{here('orchestrator')}/chat"
    return Scene(
        llm_url=(chosen.llm_url or f"http://{here('llm')}").rstrip("/"),
        tts_url=chosen.tts_url or f"ws://{here('tts')}/tts",
        chat_url=chat_url,
        orchestrator_url=http_origin(chat_url),
        web_url=(chosen.web_url or f"http://{here('web')}").rstrip("/"),
        env_file=chosen.env_file,
        project=chosen.project,
        compose_file=chosen.compose_file,
        log_file=chosen.log,
        use_docker=not chosen.no_docker,
        gpu_gb=chosen.gpu_gb,
        limit_s=chosen.limit,
        ab_url=chosen.ab_url.rstrip("/"),
        ab_model=chosen.ab_model,
    )
