"""One run from order to report; what plugin and command line call."""

from .carry_out import carry_out
from .in_shards import follow, judge_left, lead
from .interrupted import Interrupted, sigterm_is_ctrl_c
from .order import Order
from .outcome import Outcome, conclude
from .replay import replay_command

__all__ = [
    "Interrupted",
    "Order",
    "Outcome",
    "carry_out",
    "conclude",
    "follow",
    "judge_left",
    "lead",
    "replay_command",
    "sigterm_is_ctrl_c",
]
