"""One run over several processes: slices of the plan, a meeting point, and one result of all parts."""

from .breaking import FollowersStack, LeadersStack
from .meeting import GATHER_LIMIT_S, Meeting
from .member import Member, Place
from .seam import Followers, Leader, Seat, Word
from .slices import is_part, merge_results, part_path, slice_plan, sound_path, write_merged

__all__ = [
    "GATHER_LIMIT_S",
    "Followers",
    "FollowersStack",
    "Leader",
    "LeadersStack",
    "Meeting",
    "Member",
    "Place",
    "Seat",
    "Word",
    "is_part",
    "merge_results",
    "part_path",
    "slice_plan",
    "sound_path",
    "write_merged",
]
