"""Evidence to rows. Pure: a saved run can be judged again offline, with other limits too."""

from .judge import judge, judge_case, lateness, row_ids
from .limits import Limits
from .row import Evidence, Row, Verdict

__all__ = ["Evidence", "Limits", "Row", "Verdict", "judge", "judge_case", "lateness", "row_ids"]
