"""What all sessions hold together is bounded: audio that waits, and audio that is kept for `resume`."""

from dataclasses import dataclass

from msgspec.structs import replace

from reference_gateway.metrics import Tally
from reference_gateway.registry import Registry
from reference_gateway.session import Session
from tests.reference_gateway.session_driver import BYTES_PER_UNIT, START, limits, resume, said, synthesise, text

PLENTY = 10**9


@dataclass
class Holder:
    bytes_taken: int = 0
    failed: int = 0

    def session_failed(self) -> None:
        self.failed += 1

    def superseded(self) -> None:
        raise AssertionError("nobody came back")


def registry(unsent: int = PLENTY, cached: int = PLENTY) -> Registry:
    return Registry(limits(), unsent, cached, Tally())


def live(registry: Registry, name: str) -> Session:
    session = registry.create(replace(START, session_id=name))
    session.attach()
    return session


def hears(registry: Registry, session: Session, units: str) -> None:
    """Let a session be sent its audio for these units."""
    session.receive(replace(text(units), session_id=session.start.session_id))
    said(session)
    registry.settle(session)


def test_over_the_total_cache_the_largest_loses_the_older_half() -> None:
    both = registry(cached=10 * BYTES_PER_UNIT)
    large, small = live(both, "large"), live(both, "small")
    hears(both, large, "a,b,c,d,")
    hears(both, small, "a,")
    assert (both.cached_bytes, large.log.evicted_through) == (10 * BYTES_PER_UNIT, -1)
    hears(both, small, "b,")
    assert (both.cached_bytes, large.log.evicted_through, small.log.evicted_through) == (8 * BYTES_PER_UNIT, 3, -1)


def test_the_total_cache_is_a_bound_however_small() -> None:
    none = registry(cached=0)
    session = live(none, "s")
    hears(none, session, "a,b,c,")
    assert none.cached_bytes == session.log.sent_bytes == 0


def test_who_lost_from_the_cache_is_told_and_who_has_it_goes_on() -> None:
    for last, outcome in ((1, "resume_not_available"), (3, "")):
        small = registry(cached=6 * BYTES_PER_UNIT)
        session = live(small, "s")
        hears(small, session, "a,b,c,d,")
        assert session.log.evicted_through == 3
        session.detach(0)
        session.attach()
        session.receive(resume(last))
        assert (session.failure.code if session.failure else "") == outcome


def test_over_the_total_unsent_the_largest_pays_with_backpressure() -> None:
    both = registry(unsent=5 * BYTES_PER_UNIT)
    holder = Holder()
    large, small = live(both, "large"), live(both, "small")
    both.hold(large, holder)
    for session, units in ((large, "a,b,"), (small, "a,")):
        session.receive(replace(text(units), session_id=session.start.session_id))
        synthesise(session)
        both.settle(session)
    assert large.failure is not None
    assert large.failure.code == "backpressure"
    assert "most of it of this session" in large.failure.message
    assert (holder.failed, small.failure, both.unsent_bytes, len(both)) == (1, None, 2 * BYTES_PER_UNIT, 1)


def test_a_session_that_is_over_counts_no_more() -> None:
    one = registry()
    session = live(one, "s")
    hears(one, session, "a,b,")
    assert one.cached_bytes > 0
    one.forget(session)
    assert (one.cached_bytes, one.unsent_bytes) == (0, 0)
