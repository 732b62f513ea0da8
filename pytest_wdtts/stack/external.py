"""A gateway that someone else runs: reached by its URL, never started or stopped by us."""

from ..errors import OwnFailure
from ..transport import http_origin, parse_target
from .health import read_health
from .seam import Gateway


class ExternalStack:
    """The user's own gateway."""

    name = "external"
    breaks: frozenset[str] = frozenset()

    def __init__(self, url: str, api_key: str = "") -> None:
        parse_target(url, api_key)
        self._url = url
        self._api_key = api_key

    def start(self) -> Gateway:
        """Read its health page, if it has one. Raises `StackError` where nobody answers."""
        return Gateway(self._url, self._api_key, read_health(http_origin(self._url)))

    def stop(self) -> None:
        """Leave it as it is."""

    def break_down(self, how: str) -> None:
        """It is not ours to break."""
        raise OwnFailure(f"{how} needs a gateway of our own: leave --wdtts-url out")

    def mend(self, how: str) -> None:
        """Nothing was broken."""

    def pids(self) -> list[int]:
        """Nothing can be seen from outside."""
        return []

    def containers(self) -> dict[str, int]:
        """Nothing can be seen from outside."""
        return {}
