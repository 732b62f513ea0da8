"""One run over several processes: slices of the plan, a meeting point, and one result of all parts."""

from .meeting import GATHER_LIMIT_S, Meeting, Member, Seat
from .slices import merge_results, part_path, slice_plan, write_merged

__all__ = [
    "GATHER_LIMIT_S",
    "Meeting",
    "Member",
    "Seat",
    "merge_results",
    "part_path",
    "slice_plan",
    "write_merged",
]
