"""The live sessions by id: who holds which, which are to be freed, and how much audio waits in all."""

from typing import Protocol

from pytest_wdtts.protocol import Start

from .metrics import Tally
from .session import Limits, Session


class Holder(Protocol):
    """A connection, as far as the registry needs to know one."""

    @property
    def bytes_taken(self) -> int:
        """How many bytes its socket has taken."""

    def session_failed(self) -> None:
        """Note that the session it holds has failed."""

    def superseded(self) -> None:
        """Note that another connection holds the session now."""


class Share:
    """Bytes of something, by session and in all, with a bound on all."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._by_session: dict[str, int] = {}
        self.total = 0

    def note(self, session_id: str, size: int) -> None:
        """Take note of how much this session has now."""
        self.total += size - self._by_session.get(session_id, 0)
        self._by_session[session_id] = size

    def drop(self, session_id: str) -> None:
        """Forget a session."""
        self.total -= self._by_session.pop(session_id, 0)

    def too_large(self) -> str | None:
        """Return the session that has most of it, where all together have too much: that one pays, not the last."""
        return max(self._by_session, key=self._by_session.__getitem__) if self.total > self._bound else None


class Registry:
    """Sessions live here from their `start` until they ended for good or their client stayed away."""

    def __init__(self, limits: Limits, total_unsent_bytes: int, total_cache_bytes: int, tally: Tally) -> None:
        self._limits = limits
        self._tally = tally
        self._sessions: dict[str, Session] = {}
        self._holders: dict[str, Holder] = {}
        self._unsent = Share(total_unsent_bytes)
        self._cached = Share(total_cache_bytes)

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def unsent_bytes(self) -> int:
        """Bytes of PCM that wait for a socket, over all sessions."""
        return self._unsent.total

    @property
    def cached_bytes(self) -> int:
        """Bytes of PCM that were sent and are kept for `resume`, over all sessions."""
        return self._cached.total

    def find(self, session_id: str) -> Session | None:
        """Return the live session of this id."""
        return self._sessions.get(session_id)

    def create(self, start: Start) -> Session:
        """Make the session of an id that is not live."""
        session = self._sessions[start.session_id] = Session(start, self._limits)
        self._tally.sessions_started += 1
        return session

    def hold(self, session: Session, holder: Holder) -> None:
        """Note who serves the session from now on; who did so before is told."""
        before = self._holders.get(session.start.session_id)
        self._holders[session.start.session_id] = holder
        if before is not None:
            before.superseded()

    def leave(self, session: Session, holder: Holder, now_ns: int) -> None:
        """Note that the holder's connection is gone; a holder that was superseded leaves nothing behind."""
        if self._holders.get(session.start.session_id) is holder:
            del self._holders[session.start.session_id]
            session.detach(now_ns)

    def end(self, session: Session, holder: Holder) -> None:
        """Free a session whose `tts_end` the holder's client has read, unless it came back meanwhile."""
        if self._holders.get(session.start.session_id) is holder:
            self.forget(session)

    def forget(self, session: Session) -> None:
        """Free a session that is over."""
        session_id = session.start.session_id
        if self._sessions.get(session_id) is session:
            del self._sessions[session_id]
            self._holders.pop(session_id, None)
            self._unsent.drop(session_id)
            self._cached.drop(session_id)

    def settle(self, session: Session) -> None:
        """Take note of how much audio the session holds now, and keep both totals in bounds."""
        session_id = session.start.session_id
        if self._sessions.get(session_id) is not session:
            return
        self._unsent.note(session_id, session.log.unsent_bytes)
        self._cached.note(session_id, session.log.sent_bytes)
        while largest := self._cached.too_large():
            # Half of it at once, so that a gateway at its bound does not look for the largest at every chunk.
            log = self._sessions[largest].log
            log.shrink(log.sent_bytes // 2)
            self._cached.note(largest, log.sent_bytes)
        if largest := self._unsent.too_large():
            worst = self._sessions[largest]
            worst.fail("backpressure", "the gateway holds too much unsent audio, most of it of this session")
            self._drop_failed(worst)

    def sweep(self, now_ns: int) -> None:
        """Fail the sessions whose readers stall and free those whose clients stayed away."""
        for session_id, session in list(self._sessions.items()):
            holder = self._holders.get(session_id)
            if holder is not None:
                session.tick(now_ns, holder.bytes_taken)
                if session.failed:
                    self._drop_failed(session)
            elif session.expired(now_ns):
                self._tally.sessions_expired += 1
                self.forget(session)

    def _drop_failed(self, session: Session) -> None:
        holder = self._holders.get(session.start.session_id)
        self.forget(session)
        if holder is not None:
            holder.session_failed()
        else:
            assert session.failure is not None
            self._tally.errors[session.failure.code] += 1
