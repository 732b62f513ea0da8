"""When all sessions stood still at once: the mark of an event loop that was blocked, or a process that was stopped.

A queue that is too long serves one after another without a pause; a gateway that stands still serves nobody, then
everybody who waited within the same moment.
"""

from collections.abc import Sequence

import numpy as np

from ..clock import NS_PER_MS, NS_PER_S
from ..record import SessionRecord
from ..record.measures import Measures
from .seen import Gap

SHORTEST_NS = 100 * NS_PER_MS
RELEASE_NS = 60 * NS_PER_MS
RELEASE_SHARE = 0.1
"""What has piled up in a long gap takes longer to come: by this share of the gap, where that is more."""
RELEASED = 80.0
"""Percent of those who waited that are served together when it is over."""
FEWEST_SESSIONS = 3
OUR_SHARE = 0.3
"""A gap in which we were late ourselves by this share of its length is ours."""


def find_gaps(records: Sequence[SessionRecord]) -> tuple[Gap, ...]:
    """Return every gap in what all records received, that the gateway made and not our own sending."""
    measures = Measures.of(records)
    service = measures.service_time
    received_ns = service.at_ns + service.value_ns
    order = np.argsort(received_ns)
    received_ns, sent_ns, session = received_ns[order], service.at_ns[order], service.session[order]
    gaps = []
    for place in np.flatnonzero(np.diff(received_ns) >= SHORTEST_NS):
        start_ns, end_ns = int(received_ns[place]), int(received_ns[place + 1])
        length_ns = end_ns - start_ns
        waited = (received_ns >= end_ns) & (sent_ns < end_ns - length_ns // 4)
        release_ns = max(RELEASE_NS, round(RELEASE_SHARE * length_ns))
        if not waited.any() or np.percentile(received_ns[waited], RELEASED) > end_ns + release_ns:
            continue
        # The last unit before a standstill was taken; what waited longest tells when it began.
        began_ns = max(start_ns, int(sent_ns[waited].min()))
        sessions = len(np.unique(session[waited]))
        if end_ns - began_ns < SHORTEST_NS or sessions < FEWEST_SESSIONS:
            continue
        ours = measures.send_lateness.within(began_ns, end_ns + RELEASE_NS).value_ns
        if len(ours) and ours.max() > OUR_SHARE * (end_ns - began_ns):
            continue
        gaps.append(Gap(round(began_ns / NS_PER_S, 3), round((end_ns - began_ns) / NS_PER_MS, 1), sessions))
    return tuple(gaps)
