"""A run whose parts are driven by the workers of a Dask cluster, while the gateway and the judge are here."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import UsageError, WdttsError
from ..run import Progress
from ..stack import Gateway
from ..transport import choose_transport
from ..verdict import Limits
from .in_shards import follow_word, lead
from .live import knock_first
from .open_files import need_sockets
from .order import Order
from .outcome import Outcome

_SCHEMES = ("tcp", "tls", "ws", "wss")


def check_address(address: str) -> None:
    """Refuse what can be no scheduler. Raises `UsageError`."""
    try:
        parts = urlsplit(address)
        named = parts.scheme in _SCHEMES and bool(parts.hostname) and bool(parts.port)
    except ValueError:
        named = False
    if not named:
        raise UsageError(f"--wdtts-cluster {address!r} is no address of a Dask scheduler: give tcp://scheduler:8786")
    if find_spec("distributed") is None:
        raise UsageError("--wdtts-cluster needs Dask: pip install 'pytest-wdtts[cluster]'")


def carry_out_on_cluster(order: Order, progress: Progress | None = None, limits: Limits | None = None) -> Outcome:
    """Carry an order out on `order.cluster`. Raises as `carry_out` does, and `UsageError` where workers do not fit."""
    check_address(order.cluster)
    from ..shards.cluster import join_cluster

    sessions = len(order.plan("check").sessions)
    with join_cluster(order.cluster, sessions, Path(order.report_dir), try_gateway, follow_word, progress) as cluster:
        return lead(order, cluster, limits)


def try_gateway(gateway: Gateway, transport_name: str, sessions: int) -> str:
    """On a worker: say why it cannot drive so many sessions against this gateway; "" if it can."""
    try:
        need_sockets(sessions)
        knock_first(choose_transport(transport_name), gateway)
    except WdttsError as error:
        return str(error)
    return ""
