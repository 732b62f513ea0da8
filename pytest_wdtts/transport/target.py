"""A gateway's URL, read once and refused with words when it cannot be one."""

import ssl
from urllib.parse import urlsplit, urlunsplit

from ..errors import UsageError
from .seam import Target

_EXAMPLE = "give one like ws://127.0.0.1:9000/tts"


def parse_target(url: str, api_key: str = "") -> Target:
    """Read `ws://` or `wss://` URLs. Raises `UsageError` that names what was seen."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{url!r} is no URL ({error}): {_EXAMPLE}") from None
    if parts.scheme not in ("ws", "wss"):
        raise UsageError(f"{url!r} is no WebSocket URL (scheme {parts.scheme or 'missing'!r}): {_EXAMPLE}")
    try:
        port = parts.port or (443 if parts.scheme == "wss" else 80)
    except ValueError as error:
        raise UsageError(f"{url!r} has an impossible port ({error}): {_EXAMPLE}") from None
    if not parts.hostname:
        raise UsageError(f"{url!r} names no host: {_EXAMPLE}")
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _travels(resource):
        raise UsageError(f"{public_url(url)!r} has characters that no request takes: write them as %XX")
    check_key(api_key)
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    tls = ssl.create_default_context() if parts.scheme == "wss" else None
    return Target(parts.hostname, port, resource, tls, headers)


def check_key(api_key: str) -> None:
    """Refuse a key that no HTTP header can carry. Raises `UsageError`, which does not tell the key."""
    if not _travels(api_key):
        raise UsageError("--wdtts-api-key has characters that no header takes: give visible ASCII, without blanks")


def _travels(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def http_origin(url: str) -> str:
    """Return the `http(s)://host:port` beside a WebSocket URL, where `/healthz` and `/metrics` live."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{_host_and_port(parts.netloc)}"


def public_url(url: str) -> str:
    """Return the URL without what is secret in it, a user and an `api_key`: for evidence, reports and messages."""
    parts = urlsplit(url)
    query = "&".join(pair for pair in parts.query.split("&") if pair.partition("=")[0] != "api_key")
    return urlunsplit((parts.scheme, _host_and_port(parts.netloc), parts.path, query, parts.fragment))


def _host_and_port(netloc: str) -> str:
    return netloc.rpartition("@")[2]
