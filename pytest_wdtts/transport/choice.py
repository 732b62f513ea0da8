"""Which transport: the fast one where it is installed, unless somebody says otherwise."""

from importlib.util import find_spec

from ..errors import UsageError
from .portable import PortableTransport
from .seam import Transport

TRANSPORTS = ("auto", "picows", "websockets")


def choose_transport(name: str = "auto") -> Transport:
    """Return the transport of this name. Raises `UsageError` for one that is unknown or not installed."""
    if name not in TRANSPORTS:
        raise UsageError(f"no transport {name!r}: one of {', '.join(TRANSPORTS)}")
    installed = all(find_spec(module) for module in ("picows", "uvloop"))
    if name == "websockets" or (name == "auto" and not installed):
        return PortableTransport()
    if not installed:
        raise UsageError(
            "the transport picows is not installed: pip install 'pytest-wdtts[fast]', or --wdtts-transport websockets"
        )
    from .fast import FastTransport

    return FastTransport()
