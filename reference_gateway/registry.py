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


class Registry:
    """Sessions live here from their `start` until they ended for good or their client stayed away."""

    def __init__(self, limits: Limits, total_unsent_bytes: int, tally: Tally) -> None:
        self._limits = limits
        self._total_bound = total_unsent_bytes
        self._tally = tally
        self._sessions: dict[str, Session] = {}
        self._holders: dict[str, Holder] = {}
        self._unsent: dict[str, int] = {}
        self.unsent_bytes = 0
        """Bytes of PCM that wait for a socket, over all sessions."""

    def __len__(self) -> int:
        return len(self._sessions)

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
            self.unsent_bytes -= self._unsent.pop(session_id, 0)

    def settle(self, session: Session) -> None:
        """Take note of how much of the session's audio waits now, and keep the total in bounds."""
        session_id = session.start.session_id
        if self._sessions.get(session_id) is not session:
            return
        unsent = session.log.unsent_bytes
        self.unsent_bytes += unsent - self._unsent.get(session_id, 0)
        self._unsent[session_id] = unsent
        if self.unsent_bytes > self._total_bound:
            # Whoever holds most pays, not whoever happened to come last.
            worst = self._sessions[max(self._unsent, key=self._unsent.__getitem__)]
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
