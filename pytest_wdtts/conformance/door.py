"""What stands beside the conversation: the pages of health and of metrics, and the key that opens `/tts`."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, urlencode

import httpx
from prometheus_client.parser import text_string_to_metric_families

from ..transport import Target
from .case import CANCEL, START, NotTried
from .wire import HandshakeRefused, Opcode, RawWire

WAIT_S = 3.0
_WRONG = "-wrong"


async def look(page: str, target: Target, limit_s: float = WAIT_S) -> str:
    """Say what is wrong with a page beside `/tts`; "sound" where nothing is. Raises `ConnectionError`."""
    path, _, query = target.resource.partition("?")  # A key may be in the query.
    beside = PurePosixPath(path).with_name(page)
    url = f"{'https' if target.tls else 'http'}://{target.authority}{beside}?{query}".removesuffix("?")
    try:
        async with httpx.AsyncClient(verify=target.tls or False, trust_env=False, timeout=limit_s) as http:
            answer = await http.get(url, headers=target.headers)
    except httpx.HTTPError as error:
        raise ConnectionError(f"GET {beside}: {error or type(error).__name__}") from None
    fault = f"status {answer.status_code}" if answer.status_code != httpx.codes.OK else _FAULTS[page](answer)
    return fault or "sound"


async def knock(key: str, target: Target, session_id: str) -> str:
    """Say whether `/tts` is "opened" or "refused" to who shows the key in this way. Raises `NotTried`."""
    path, _, query = target.resource.partition("?")
    others = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "api_key"]
    right = target.headers.get("Authorization", "").removeprefix("Bearer ") or dict(parse_qsl(query)).get("api_key", "")
    if not right:
        raise NotTried("no API key was given")

    def showing(header: str = "", query: str = "") -> Target:
        pairs = [*others, ("api_key", query)] if query else others
        resource = f"{path}?{urlencode(pairs)}" if pairs else path
        return replace(target, resource=resource, headers={"Authorization": f"Bearer {header}"} if header else {})

    ways = {
        "missing": showing(),
        "header": showing(header=right),
        "query": showing(query=right),
        "wrong_header": showing(header=right + _WRONG),
        "wrong_query": showing(query=right + _WRONG),
    }
    if await _opens(ways["missing"], f"{session_id}-keyless"):
        raise NotTried("this gateway asks for no key")
    return "opened" if await _opens(ways[key], session_id) else "refused"


async def _opens(target: Target, session_id: str) -> bool:
    """Whether a session can be had; a gateway may refuse the upgrade, or close behind it, where browsers see why."""
    try:
        wire = await RawWire.open(target)
    except HandshakeRefused:
        return False
    try:
        wire.send(json.dumps(START | {"session_id": session_id}).encode())
        async with asyncio.timeout(WAIT_S):
            frame = await wire.receive()
    except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        return False
    else:
        wire.send(json.dumps(CANCEL.fields | {"session_id": session_id}).encode())
        return frame.opcode == Opcode.TEXT and b'"start_ack"' in frame.payload
    finally:
        wire.drop()


def _health_fault(answer: httpx.Response) -> str:
    try:
        fields = answer.json()
    except ValueError:
        return f"no JSON: {answer.text[:60]!r}"
    if not isinstance(fields, dict):
        return f"no JSON object: {answer.text[:60]!r}"
    sound = {
        "status": fields.get("status") == "ok",
        **{name: isinstance(fields.get(name), str) for name in ("engine", "engine_resolved", "version")},
        "started_at": _is_time(fields.get("started_at")),
        "uptime_s": type(fields.get("uptime_s")) in (int, float),
    }
    wrong = [name for name, right in sound.items() if not right]
    return "".join(f"{name} is {fields.get(name, 'missing')!r}; " for name in wrong).removesuffix("; ")


def _is_time(text: object) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def _metrics_fault(answer: httpx.Response) -> str:
    try:
        return "" if any(text_string_to_metric_families(answer.text)) else "no metric at all"
    except ValueError as error:
        return f"not Prometheus' text format: {error}"


_FAULTS = {"healthz": _health_fault, "metrics": _metrics_fault}
