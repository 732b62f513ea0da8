"""Random interleavings of everything that can happen to a session, against a model of a few lines.

The model client remembers the units that it received, in order, and says on each new connection from where to
go on. Whatever the order of events, what it holds must be a prefix of what was sent: nothing lost, doubled or
out of order.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pytest_wdtts.protocol import AudioChunk
from reference_gateway.session import Job, Session, State
from tests.reference_gateway.session_driver import BYTES_PER_UNIT, START, cancel, limits, resume, text, text_end

CACHE_CHUNKS, UNSENT_CHUNKS = 3, 2
LIMITS = limits(cache_chunks=CACHE_CHUNKS, unsent_chunks=UNSENT_CHUNKS, max_pending_text=10**6)


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.begin()

    def begin(self) -> None:
        self.session = Session(START, LIMITS)
        self.session.attach()
        self.sent, self.heard = "", ""
        self.in_flight: list[AudioChunk] = []
        self.ends = 0
        self.chunk_ends: dict[int, int] = {}
        self.evicted_through = -1
        self.connected, self.decided = True, True
        self.text_ended = self.cancelled = False
        self.job: Job | None = None

    # --- the client ---

    @precondition(lambda self: self.connected and self.decided and not self.text_ended)
    @rule(units=st.text(alphabet="ab,", min_size=1, max_size=60))
    def say(self, units: str) -> None:
        self.session.receive(text(units))
        self.sent += units

    @precondition(lambda self: self.connected and self.decided and not self.text_ended)
    @rule()
    def say_the_end(self) -> None:
        self.session.receive(text_end())
        self.text_ended = True

    @precondition(lambda self: self.connected)
    @rule(mood=st.integers(0, 7))
    def give_up(self, mood: int) -> None:
        if mood:
            return  # A cancelled session has little left to show: most should live longer.
        if self.session.state is not State.ENDED:
            self.cancelled, self.decided = True, True
            self.in_flight.clear()
        self.session.receive(cancel())
        self.text_ended = True

    @precondition(lambda self: self.connected)
    @rule()
    def cut(self) -> None:
        self.in_flight.clear()
        self.connected = False
        self.ends = 0
        self.session.detach(self.now_ns)

    @precondition(lambda self: not self.connected)
    @rule()
    def come_back(self) -> None:
        assert self.session.attach()
        assert self.session.units_accepted == len(self.sent)
        self.connected, self.decided = True, False

    @precondition(lambda self: self.connected and not self.decided)
    @rule()
    def say_from_where(self) -> None:
        session, last = self.session, len(self.heard) - 1
        lost = self.evicted_through > last and not self.cancelled
        session.receive(resume(last))
        if lost:
            assert session.failure is not None
            assert session.failure.code == "resume_not_available"
            self.begin()
        self.decided = True

    @precondition(lambda self: self.in_flight)
    @rule(most=st.integers(1, 5))
    def hear(self, most: int) -> None:
        while self.in_flight and most:
            most -= 1
            chunk = self.in_flight.pop(0)
            assert chunk.unit_index_start == len(self.heard)
            self.heard += chunk.units_text
            assert chunk.unit_index_end == len(self.heard) - 1

    @precondition(lambda self: self.connected)
    @rule(units=st.text(alphabet="ab,", min_size=1, max_size=60), chunks=st.integers(1, 5))
    def talk_and_blink(self, units: str, chunks: int) -> None:
        """Talk, hear some of it, lose the rest with the connection, and come back for it."""
        if self.decided and not self.text_ended:
            self.say(units)
        self.work(chunks)
        self.send(chunks, fast=True)
        if self.in_flight:
            self.hear(chunks // 2 or 1)
        self.cut()
        self.come_back()
        self.say_from_where()

    @precondition(lambda self: self.ends and not self.in_flight)
    @rule()
    def hang_up_satisfied(self) -> None:
        assert self.cancelled or self.heard == self.sent
        self.begin()

    # --- the gateway's driver ---

    @rule(most=st.integers(1, 5))
    def work(self, most: int) -> None:
        while most and (job := self.session.next_to_synthesise()):
            most -= 1
            self.session.synthesised(job, job.text, b"\0" * (BYTES_PER_UNIT * len(job.text)))

    @rule()
    def take_job(self) -> None:
        self.job = self.session.next_to_synthesise()

    @precondition(lambda self: self.job)
    @rule()
    def hand_back(self) -> None:
        assert self.job is not None
        self.session.synthesised(self.job, self.job.text, b"\0" * (BYTES_PER_UNIT * len(self.job.text)))

    @rule(most=st.integers(1, 7), fast=st.booleans())
    def send(self, most: int, fast: bool) -> None:
        for _ in range(most):
            sendable = self.session.sendable
            message = self.session.next_message()
            assert sendable == (message is not None)
            if message is None:
                return
            assert self.connected
            assert self.decided
            assert not self.ends
            if isinstance(message, AudioChunk):
                assert not self.cancelled
                self.in_flight.append(message)
                self.chunk_ends[message.chunk_seq] = message.unit_index_end
                oldest_gone = self.chunk_ends.get(message.chunk_seq - CACHE_CHUNKS, -1)
                self.evicted_through = max(self.evicted_through, oldest_gone)
                if fast:
                    self.work(1)
            else:
                self.ends += 1
                assert message.cancelled == self.cancelled
                if not self.cancelled:
                    assert self.heard + "".join(c.units_text for c in self.in_flight) == self.sent

    @rule(seconds=st.integers(1, 100))
    def wait(self, seconds: int) -> None:
        self.now_ns += seconds * 10**9
        if self.session.expired(self.now_ns):
            assert not self.connected
            self.begin()

    # --- what always holds ---

    @invariant()
    def what_was_heard_is_what_was_said(self) -> None:
        assert self.session.failure is None
        assert self.sent.startswith(self.heard)

    @invariant()
    def memory_is_bounded(self) -> None:
        log = self.session.log
        assert log.sent_chunks <= CACHE_CHUNKS
        assert log.unsent_chunks + log.sent_chunks <= CACHE_CHUNKS + UNSENT_CHUNKS + 1

    @invariant()
    def bytes_add_up(self) -> None:
        log = self.session.log
        assert log.sent_bytes == sum(len(chunk.audio) for chunk in log._sent)
        assert log.unsent_bytes == sum(len(chunk.audio) for chunk in log._unsent)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
