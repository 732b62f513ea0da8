"""What markers ask for: shares of the sessions to break, and breaks of the gateway itself.

The fields are the markers' keyword arguments. A negative `at_s` means the middle of the run.
"""

from typing import ClassVar

from msgspec import Struct

from ..errors import UsageError
from ..load import LoadPlan
from .kinds import HOWS, MOMENTS


class DisconnectShare(Struct, frozen=True, kw_only=True):
    """Cut `percent` (0..1) of the sessions, `times` each, in one of the ways or all in turn ("any").

    `resume_percent` of the returns use `resume`; the others come back as a new session.
    """

    name: ClassVar[str] = "disconnect"
    percent: float = 0.1
    reconnect_delay_s: float = 5.0
    how: str = "any"
    moment: str = "any"
    times: int = 1
    resume_percent: float = 1.0


class CancelShare(Struct, frozen=True, kw_only=True):
    """Cancel `percent` (0..1) of the sessions at one of the moments or all in turn ("any")."""

    name: ClassVar[str] = "cancel"
    percent: float = 0.1
    moment: str = "any"


class SlowReaderShare(Struct, frozen=True, kw_only=True):
    """`percent` (0..1) of the sessions stop reading for `pause_s`, or read `read_bytes_per_s`.

    They do so in `waves`, so that there is calm to compare with; each takes part in `times` of them.
    `receive_buffer_bytes` bounds what the kernel takes in meanwhile: by default it would hide megabytes.
    """

    name: ClassVar[str] = "slow_reader"
    percent: float = 0.1
    pause_s: float = 5.0
    read_bytes_per_s: int = 0
    receive_buffer_bytes: int = 8192
    times: int = 1
    waves: int = 2


class GatewayBreak(Struct, frozen=True, kw_only=True):
    """Break the gateway itself, of a stack of ours, at `at_s` (-1: in the middle of the run) for `down_s`."""

    name: ClassVar[str]
    takes_away: ClassVar[bool] = True
    """Whether it closes connections, so that clients have to come back."""
    excuses: ClassVar[bool] = True
    """Whether a gateway may be slow meanwhile: a sound one does not even notice that its log is not taken."""
    at_s: float = -1.0
    down_s: float = 2.0


class GatewayRestart(GatewayBreak, frozen=True, kw_only=True):
    """Kill the gateway and start it again."""

    name: ClassVar[str] = "gateway_restart"
    down_s: float = 1.0


class GatewayPause(GatewayBreak, frozen=True, kw_only=True):
    """Stop the gateway's process (SIGSTOP, SIGCONT; a container: the freezer)."""

    name: ClassVar[str] = "gateway_pause"
    takes_away: ClassVar[bool] = False


class GatewayDrain(GatewayBreak, frozen=True, kw_only=True):
    """Ask the gateway to finish (SIGTERM); end it `down_s` later and start it again."""

    name: ClassVar[str] = "gateway_drain"


class GatewayDisconnect(GatewayBreak, frozen=True, kw_only=True):
    """Take the gateway's container off its network (Compose)."""

    name: ClassVar[str] = "gateway_disconnect"


class GatewayCpu(GatewayBreak, frozen=True, kw_only=True):
    """Leave the gateway's container a fifth of a core (Compose)."""

    name: ClassVar[str] = "gateway_cpu"
    takes_away: ClassVar[bool] = False


class GatewayMemory(GatewayBreak, frozen=True, kw_only=True):
    """Leave the gateway's container hardly more memory than it holds (Compose)."""

    name: ClassVar[str] = "gateway_memory"
    takes_away: ClassVar[bool] = False


class GatewayLogs(GatewayBreak, frozen=True, kw_only=True):
    """Let nobody take what the gateway logs, as a disk does that hangs: its pipe fills (embedded, Compose)."""

    name: ClassVar[str] = "gateway_logs"
    takes_away: ClassVar[bool] = False
    excuses: ClassVar[bool] = False


class ReplicaLoss(GatewayBreak, frozen=True, kw_only=True):
    """Kill one gateway of three behind the proxy, and start it again (Compose)."""

    name: ClassVar[str] = "replica_loss"


class ProxyReload(GatewayBreak, frozen=True, kw_only=True):
    """Reload the proxy's configuration in mid-stream; there is nothing to heal (Compose)."""

    name: ClassVar[str] = "proxy_reload"
    takes_away: ClassVar[bool] = False
    down_s: float = 0.0


CLIENT_SHARES = (DisconnectShare, CancelShare, SlowReaderShare)
GATEWAY_BREAKS: dict[str, type[GatewayBreak]] = {
    kind.name: kind
    for kind in (
        GatewayRestart,
        GatewayPause,
        GatewayDrain,
        GatewayDisconnect,
        GatewayCpu,
        GatewayMemory,
        GatewayLogs,
        ReplicaLoss,
        ProxyReload,
    )
}
Share = DisconnectShare | CancelShare | SlowReaderShare | GatewayBreak
SHARES: dict[str, type[Share]] = {kind.name: kind for kind in CLIENT_SHARES} | GATEWAY_BREAKS

_SHARE_FIELDS = ("percent", "resume_percent")
_TIME_FIELDS = ("reconnect_delay_s", "pause_s", "read_bytes_per_s", "receive_buffer_bytes", "down_s")
_COUNT_FIELDS = ("times", "waves")


def check_share(share: Share, load: LoadPlan) -> None:
    """Raise `UsageError` for a share that is no share or does not fit into the run."""
    for name in _SHARE_FIELDS:
        value = getattr(share, name, 0.0)
        if not 0 <= value <= 1:
            raise UsageError(f"{share.name}({name}={value:g}): a share is a number from 0 to 1, 0.1 for ten percent")
    for name in _TIME_FIELDS:
        value = getattr(share, name, 0.0)
        if not 0 <= value < float("inf"):
            raise UsageError(f"{share.name}({name}={value:g}): give 0 or more")
    for name in _COUNT_FIELDS:
        value = getattr(share, name, 1)
        if value < 1:
            raise UsageError(f"{share.name}({name}={value}): give 1 or more")
    for name, valid in (("moment", MOMENTS), ("how", HOWS)):
        value = getattr(share, name, "any")
        if value not in ("any", *valid):
            raise UsageError(f"{share.name}({name}={value!r}): one of any, {', '.join(valid)}")
    _check_fit(share, load)


def _check_fit(share: Share, load: LoadPlan) -> None:
    if isinstance(share, GatewayBreak):
        end_s = max(share.at_s, 0.0) + share.down_s
        if end_s >= load.duration_s:
            raise UsageError(
                f"{share.name}: its end at {end_s:g} s does not fit into {load.duration_s:g} s: "
                "break earlier or lengthen the duration"
            )
        return
    if isinstance(share, CancelShare) or not share.percent:
        return
    one_s = share.reconnect_delay_s if isinstance(share, DisconnectShare) else share.pause_s
    rounds = share.times if isinstance(share, DisconnectShare) else max(share.times, share.waves)
    if rounds * one_s >= load.duration_s:
        raise UsageError(
            f"{share.name}: {rounds} x {one_s:g} s does not fit into {load.duration_s:g} s: "
            "shorten the fault or lengthen the duration"
        )
