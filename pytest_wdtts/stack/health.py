"""Ask a gateway's health page who it is."""

import os
import socket
import ssl
from urllib.parse import urlsplit

import httpx

from ..errors import StackError

HEALTH_LIMIT_S = 5.0
TLS_LIMIT_S = 2.0
NO_TLS = ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE")
"""What OpenSSL makes of an answer, or of a hanging up, that is not TLS."""


def read_health(origin: str, limit_s: float = HEALTH_LIMIT_S) -> dict[str, object]:
    """Return the fields of `GET /healthz`, or {} where the gateway has no such page.

    Raises `StackError` where nobody answers at all, or somebody who has TLS where we have none, or the other way.
    """
    tls = ssl.create_default_context() if origin.startswith("https:") else False  # As for the load: SSL_CERT_FILE too.
    try:
        answer = httpx.get(f"{origin}/healthz", timeout=limit_s, trust_env=False, verify=tls)
        fields = answer.json() if answer.status_code == httpx.codes.OK else {}
    except httpx.ConnectError as error:
        raise StackError(_no_connection(origin, str(error))) from None
    except (httpx.HTTPError, ValueError) as error:
        if not isinstance(error, httpx.TimeoutException):
            _refuse_tls(origin)
        return {}
    if answer.status_code == httpx.codes.BAD_REQUEST:  # What a proxy says to plain HTTP at its TLS port.
        _refuse_tls(origin)
    return fields if isinstance(fields, dict) else {}


def _no_connection(origin: str, error: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in error:
        named = os.environ.get("SSL_CERT_FILE", "")
        hint = "name the file of its authority in SSL_CERT_FILE"
        if named and not os.path.isfile(named):
            hint = f"SSL_CERT_FILE names {named}, and no file is there"
        return f"the certificate of {origin} is not trusted ({error}): {hint}"
    if any(reason in error for reason in NO_TLS):
        return f"{origin} does not speak TLS ({error}): give ws:// in place of wss://, or correct the port"
    return f"nobody answers at {origin} ({error}): start the gateway, or correct --wdtts-url"


def _refuse_tls(origin: str) -> None:
    """Say so where plain HTTP was no language for a port because TLS is; who it is does not matter here."""
    parts = urlsplit(origin)
    if parts.scheme != "http":
        return
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 80), TLS_LIMIT_S) as plain,
            anybody.wrap_socket(plain, server_hostname=parts.hostname),
        ):
            pass
    except OSError:
        return
    raise StackError(f"{parts.netloc} speaks TLS, and was spoken to without: give wss:// in place of ws://")
