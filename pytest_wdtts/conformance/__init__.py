"""The contract, case by case, against any gateway: for each case what was expected and what was seen."""

from .carry_out import Finding, carry_out, select, try_case
from .catalogue import CATALOGUE
from .printing import summary, told

__all__ = ["CATALOGUE", "Finding", "carry_out", "select", "summary", "told", "try_case"]
