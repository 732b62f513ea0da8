"""The capture's clock is the wall clock, ours the monotonic one: how far they are apart, and that it stayed so."""

import time

from pytest_wdtts.clock import NS_PER_MS
from pytest_wdtts.errors import OwnFailure

READINGS = 200
MOVED_LIMIT_NS = 20_000


def wall_minus_monotonic_ns() -> int:
    """Read both clocks, the wall clock between two readings of the other; the tightest of many such pairs counts."""
    tightest_ns, offset_ns = NS_PER_MS * 1000, 0
    for _ in range(READINGS):
        before_ns, wall_ns, after_ns = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        if after_ns - before_ns < tightest_ns:
            tightest_ns, offset_ns = after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2
    return offset_ns


def unmoved(before_ns: int, after_ns: int) -> int:
    """Return the offset of a run from those before and after it. Raises `OwnFailure` where the clock was set meanwhile.

    The kernel slews both clocks alike, so only a step of the wall clock parts them.
    """
    if abs(after_ns - before_ns) > MOVED_LIMIT_NS:
        raise OwnFailure(
            f"the wall clock was set by {(after_ns - before_ns) / NS_PER_MS:+.3f} ms during the run: "
            "its packets have no time to compare with, run it again"
        )
    return (before_ns + after_ns) // 2
