"""The only room that knows a WebSocket library."""

from .portable import PortableTransport
from .seam import Connection, Listener, Target, Transport
from .target import http_origin, parse_target

__all__ = [
    "Connection",
    "Listener",
    "PortableTransport",
    "Target",
    "Transport",
    "http_origin",
    "parse_target",
]
