"""Baseline (guide 2.1 and 6): no faults; one run, one test for each row of the checklist."""

from collections.abc import Callable

import pytest

Checklist = Callable[[str], None]

pytestmark = pytest.mark.baseline


def test_run_valid(checklist: Checklist) -> None:
    """The run is evidence: whole, and driven on time."""
    checklist("run_valid")


def test_session_errors(checklist: Checklist) -> None:
    """No session ends by an error or sees the contract broken."""
    checklist("session_errors")


def test_missing_units(checklist: Checklist) -> None:
    """Every unit that was sent has audio."""
    checklist("missing_units")


def test_duplicate_units(checklist: Checklist) -> None:
    """No unit comes twice."""
    checklist("duplicate_units")


def test_mismatched_units(checklist: Checklist) -> None:
    """The text at every index is what was sent there."""
    checklist("mismatched_units")


def test_sent_equals_received(checklist: Checklist) -> None:
    """Sent equals received in every session."""
    checklist("sent_equals_received")


def test_unit_order(checklist: Checklist) -> None:
    """Units come in order, without a gap in chunk_seq."""
    checklist("unit_order")


def test_audio_integrity(checklist: Checklist) -> None:
    """Every chunk's PCM is whole, audible, and holds the units it claims."""
    checklist("audio_integrity")


def test_session_end(checklist: Checklist) -> None:
    """Every session ends with one tts_end and a close."""
    checklist("session_end")


def test_gateway_resources(checklist: Checklist) -> None:
    """The gateway's memory and its unsent audio stay bounded."""
    checklist("gateway_resources")


def test_ttfa_p99_stable(checklist: Checklist) -> None:
    """TTFA does not get worse over the run."""
    checklist("ttfa_p99_stable")


def test_unit_latency_p99_stable(checklist: Checklist) -> None:
    """UnitLatency does not get worse over the run."""
    checklist("unit_latency_p99_stable")


def test_service_time_p99_stable(checklist: Checklist) -> None:
    """Service time does not get worse over the run, and has no slow tail."""
    checklist("service_time_p99_stable")
