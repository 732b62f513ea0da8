"""A gateway bears many idle sessions and many that come at once; one that does not is seen."""

import pytest

from benchmarks.crowd import Crowd, bear
from pytest_wdtts.stack import EmbeddedStack

STORM = Crowd(300, open_s=0.6, idle_s=1.0, speak_s=2.0)


def test_a_storm_of_connections_costs_no_session() -> None:
    borne = bear(STORM)
    assert borne.failed == {}
    assert (borne.sessions, borne.whole) == (300, 300)
    # On a busy machine the run itself may be no evidence of anything timed; the units are counted all the same.
    assert borne.rows["sent_equals_received"] in ("pass", "invalid")


def test_a_gateway_that_loses_sessions_is_seen() -> None:
    borne = bear(STORM, EmbeddedStack(defects=("internal_error:share=0.1",)))
    assert borne.whole < borne.sessions
    assert sum(borne.failed.values()) > 0


@pytest.mark.parametrize("index", [0, 150, 299])
def test_everybody_is_idle_before_anybody_speaks(index: int) -> None:
    plan = STORM.plan().sessions[index]
    assert plan.open_ns < STORM.open_s * 1e9 + plan.interval_ns
    assert plan.first_unit_ns >= (STORM.open_s + STORM.idle_s) * 1e9
