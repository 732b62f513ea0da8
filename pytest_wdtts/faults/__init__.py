"""What to break when: faults as values, planned from the run's seed. Pure."""

from .kinds import Cancel, Disconnect, Fault, SlowReader
from .plan import (
    SHARES,
    CancelShare,
    DisconnectShare,
    FaultPlan,
    Share,
    SlowReaderShare,
    check_share,
    plan_faults,
)

__all__ = [
    "SHARES",
    "Cancel",
    "CancelShare",
    "Disconnect",
    "DisconnectShare",
    "Fault",
    "FaultPlan",
    "Share",
    "SlowReader",
    "SlowReaderShare",
    "check_share",
    "plan_faults",
]
