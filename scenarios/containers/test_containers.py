"""Containers broken on purpose (guide 5), against the Compose stack: three runs, one test for each of their rows."""

from collections.abc import Callable

import pytest

Checklist = Callable[[str], None]

pytestmark = [pytest.mark.containers, pytest.mark.load(sessions=10, cps=20, duration_s=20, warmup_s=2)]

each_row = pytest.mark.parametrize(
    "row",
    [
        *("run_valid", "session_errors", "missing_units", "duplicate_units", "mismatched_units"),
        *("sent_equals_received", "unit_order", "audio_integrity", "session_end", "gateway_resources"),
        *("error_types", "internal_error_ratio", "resume_exactly_once", "cancel_respected"),
    ],
)


@each_row
@pytest.mark.gateway_restart(at_s=5, down_s=1)
@pytest.mark.gateway_disconnect(at_s=13, down_s=1)
def test_taken_away(row: str, checklist: Checklist) -> None:
    """The gateway is killed and started again, later it loses its network: nothing but what that explains."""
    checklist(row)


@each_row
@pytest.mark.gateway_pause(at_s=4, down_s=1)
@pytest.mark.gateway_cpu(at_s=9, down_s=3)
@pytest.mark.gateway_memory(at_s=15, down_s=2)
def test_under_strain(row: str, checklist: Checklist) -> None:
    """The gateway is frozen, then squeezed: it gets slow, and loses nothing."""
    checklist(row)


@each_row
@pytest.mark.replica_loss(at_s=5, down_s=2)
@pytest.mark.proxy_reload(at_s=13)
def test_replicas(row: str, checklist: Checklist) -> None:
    """One gateway of three dies, and the proxy reloads: only the sessions that lived there start again."""
    checklist(row)
