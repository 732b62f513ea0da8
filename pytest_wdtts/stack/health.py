"""Ask a gateway's health page who it is."""

import ssl

import httpx

from ..errors import StackError

HEALTH_LIMIT_S = 5.0


def read_health(origin: str, limit_s: float = HEALTH_LIMIT_S) -> dict[str, object]:
    """Return the fields of `GET /healthz`, or {} where the gateway has no such page.

    Raises `StackError` where nobody answers at all.
    """
    tls = ssl.create_default_context() if origin.startswith("https:") else False  # As for the load: SSL_CERT_FILE too.
    try:
        answer = httpx.get(f"{origin}/healthz", timeout=limit_s, trust_env=False, verify=tls)
        fields = answer.json() if answer.status_code == httpx.codes.OK else {}
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise StackError(
                f"the certificate of {origin} is not trusted ({error}): name the file of its authority in SSL_CERT_FILE"
            ) from None
        raise StackError(f"nobody answers at {origin} ({error}): start the gateway, or correct --wdtts-url") from None
    except (httpx.HTTPError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}
