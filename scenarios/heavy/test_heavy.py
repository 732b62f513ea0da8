"""Heavy (guide 2.3 and 6): many slow readers that stop for long; one run, one test for each row."""

from collections.abc import Callable

import pytest

Checklist = Callable[[str], None]

pytestmark = pytest.mark.heavy


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


def test_error_types(checklist: Checklist) -> None:
    """Only errors that the injected faults can cause, in their ratio."""
    checklist("error_types")


def test_internal_error_ratio(checklist: Checklist) -> None:
    """No internal_error in bulk."""
    checklist("internal_error_ratio")


def test_resume_exactly_once(checklist: Checklist) -> None:
    """Sessions that were cut and resumed have every unit exactly once."""
    checklist("resume_exactly_once")


def test_cancel_respected(checklist: Checklist) -> None:
    """A cancel stops the audio and is answered."""
    checklist("cancel_respected")


def test_slow_readers_contained(checklist: Checklist) -> None:
    """Slow readers recover whole or end by backpressure; nobody else does."""
    checklist("slow_readers_contained")


def test_isolation_errors(checklist: Checklist) -> None:
    """Untouched sessions see no error and lose nothing."""
    checklist("isolation_errors")


def test_isolation_latency(checklist: Checklist) -> None:
    """Untouched sessions are served as fast as ever."""
    checklist("isolation_latency")
