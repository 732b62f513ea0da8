"""The only room that knows a WebSocket library."""

from .choice import TRANSPORTS, choose_transport
from .portable import PortableTransport
from .seam import Connection, Listener, Target, Transport
from .target import check_key, http_origin, parse_target, public_url

__all__ = [
    "TRANSPORTS",
    "Connection",
    "Listener",
    "PortableTransport",
    "Target",
    "Transport",
    "check_key",
    "choose_transport",
    "http_origin",
    "parse_target",
    "public_url",
]
