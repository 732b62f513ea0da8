"""One run from order to report; what plugin and command line call."""

from .carry_out import Outcome, carry_out, conclude
from .order import Order

__all__ = ["Order", "Outcome", "carry_out", "conclude"]
