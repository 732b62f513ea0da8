"""Ask a gateway's health page who it is."""

import httpx

from ..errors import StackError

HEALTH_LIMIT_S = 5.0


def read_health(origin: str, limit_s: float = HEALTH_LIMIT_S) -> dict[str, object]:
    """Return the fields of `GET /healthz`, or {} where the gateway has no such page.

    Raises `StackError` where nobody answers at all.
    """
    try:
        answer = httpx.get(f"{origin}/healthz", timeout=limit_s, trust_env=False)
        fields = answer.json() if answer.status_code == httpx.codes.OK else {}
    except httpx.ConnectError as error:
        raise StackError(f"nobody answers at {origin} ({error}): start the gateway, or correct --wdtts-url") from None
    except (httpx.HTTPError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}
