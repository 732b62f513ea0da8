"""What to break when: faults as values, planned from the run's seed. Pure."""

from .kinds import Cancel, Disconnect, Fault, GatewayFault, SlowReader
from .plan import FaultPlan, plan_faults
from .shares import GATEWAY_BREAKS, SHARES, CancelShare, DisconnectShare, Share, SlowReaderShare, check_share

__all__ = [
    "GATEWAY_BREAKS",
    "SHARES",
    "Cancel",
    "CancelShare",
    "Disconnect",
    "DisconnectShare",
    "Fault",
    "FaultPlan",
    "GatewayFault",
    "Share",
    "SlowReader",
    "SlowReaderShare",
    "check_share",
    "plan_faults",
]
