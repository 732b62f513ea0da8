"""A session machine on a real connection: bytes in, bytes out, and the faults that the nemesis does to it."""

from collections.abc import Callable
from typing import Protocol

from ..clock import NS_PER_S
from ..load import SessionPlan, TimerWheel
from ..record import PLANNED_LEAVE, EventKind, SessionRecord
from ..session import ClientSession, Phase
from ..transport import Connection, Target, Transport

Action = Callable[[int], None]
GOING_AWAY = 1001
"""What a browser says when its page is left. With 1000 it might be taken for the answer to the gateway's own close."""
READ_PULSE_NS = NS_PER_S // 10
NEVER_NS = 2**63
HEARD_WITHIN_NS = NS_PER_S
"""So long after it reads again a conversation has heard what happened while it did not."""


class World(Protocol):
    """What a conversation needs of the run it is in."""

    wheel: TimerWheel[Action]
    transport: Transport

    def now_ns(self) -> int:
        """Time since the run's origin."""
        ...

    def conversation_over(self, conversation: "Conversation") -> None:
        """The conversation has ended, one way or another."""

    def gateway_away(self, since_ns: int) -> bool:
        """Whether the plan has the gateway down, or had it so at any time since."""
        ...

    def gateway_broken(self) -> bool:
        """Whether the plan has done to the gateway what excuses that it does not answer."""
        ...

    def await_gateway(self, conversation: "Conversation") -> None:
        """Call the conversation's `come_back` when the gateway answers again."""

    def replace(self, conversation: "Conversation", now_ns: int) -> None:
        """A new session has to take over from this one."""


class Conversation:
    """One planned session; `line` is the connection it is on now, older ones are not listened to."""

    def __init__(self, world: World, machine: ClientSession, target: Target) -> None:
        self.machine = machine
        self.plan: SessionPlan = machine.plan
        self.record: SessionRecord = machine.record
        self.over = False
        self.after_text_end: list[Action] = []
        """What faults do in the moment after `text_end` left."""
        self._world = world
        self._target = target
        self._line: _Line | None = None
        self._left_behind: list[Connection] = []
        """Connections that were cut; some of them the gateway may never let go."""
        self._armed = False
        self._deaf_since_ns = self._deaf_until_ns = 0
        """When it read slowly the last time: what happens then is heard only afterwards."""

    # --- the course of things -----------------------------------------------------------------------------

    def open(self, now_ns: int) -> None:
        """Open a connection, for the first time or again."""
        if self.over:
            return
        self.machine.opening(now_ns)
        line = _Line(self)
        self._line = line
        line.connection = self._world.transport.connect(self._target, line)

    def turn(self, now_ns: int) -> None:
        """Send what is due and come back when the next unit is."""
        self._armed = False
        self._send(self.machine.send_due(now_ns))

    def sweep(self, now_ns: int) -> None:
        """Let the deadline speak, if it has come. Nobody is late while the plan has the gateway or us at a stand."""
        if self.machine.slow or self._world.gateway_broken():
            self.machine.wait_anew(now_ns)
        deadline_ns = self.machine.deadline_ns
        if not deadline_ns or now_ns < deadline_ns or self.over:
            return
        frames = self.machine.expired(now_ns)
        if frames is not None:
            self._send(frames)
        else:
            self._hang_up()

    def give_up(self, now_ns: int, reason: str) -> None:
        """The run ends, and the conversation with it."""
        if not self.over:
            self.machine.failed(now_ns, reason)
            self._hang_up()

    # --- faults ----------------------------------------------------------------------------------------------

    def cut(self, now_ns: int, how: str, resume: bool) -> bool:
        """Break the connection in the given way; False where there is none to break."""
        line = self._line
        if self.over or line is None or line.connection is None or not self.machine.cut(now_ns, how, resume):
            return False
        connection, line.connection, self._line = line.connection, None, None
        match how:
            case "silence":
                connection.fall_silent()
            case "close":
                connection.close(GOING_AWAY)
            case _:
                connection.reset()
        self._left_behind.append(connection)
        return True

    def cut_within_frame(self, then: Action) -> None:
        """Reset as soon as a part of the next frame has come; `then` is called at that moment."""
        line = self._line
        if line is not None and line.connection is not None:
            line.connection.reset_within_frame(lambda: then(self._world.now_ns()) if self._line is line else None)

    def come_back(self, now_ns: int) -> None:
        """Return after a cut: with `resume`, or as a new session where the plan says so."""
        if self.over or self.machine.phase is not Phase.AWAY:
            return
        if self.machine.resume_on_return:
            self.record.note(now_ns, EventKind.HEALED)
            self.open(now_ns)
        else:
            self.machine.failed(now_ns, PLANNED_LEAVE)
            self._world.replace(self, now_ns)
            self._hang_up()

    def cancel(self, now_ns: int) -> bool:
        """Send `cancel`, or do so with the answer to `start`; False where there is nothing to cancel."""
        self._send(self.machine.cancel(now_ns))
        return self.machine.cancelled or self.machine.cancel_waits

    def read_slowly(self, now_ns: int, bytes_per_s: int) -> bool:
        """Stop reading the socket, or read so much a second; sending goes on. False where there is no socket."""
        if self.over or self._line is None or self._line.connection is None:
            return False
        if not self.machine.slow:
            self.machine.slow = True
            self.record.note(now_ns, EventKind.FAULT, "slow_reader")
            self._deaf_since_ns, self._deaf_until_ns = now_ns, NEVER_NS
        self._line.connection.pause_reading()
        if bytes_per_s:
            self._pulse(now_ns, bytes_per_s)
        return True

    def read_normally(self, now_ns: int) -> None:
        """Read again."""
        if self.machine.slow:
            self.machine.slow = False
            self.record.note(now_ns, EventKind.HEALED)
            self._deaf_until_ns = now_ns + HEARD_WITHIN_NS
        if self._line is not None and self._line.connection is not None:
            self._line.connection.resume_reading()

    def _pulse(self, now_ns: int, bytes_per_s: int) -> None:
        if self.over or not self.machine.slow or self._line is None or self._line.connection is None:
            return
        self._line.connection.read_at_most(max(1, bytes_per_s * READ_PULSE_NS // NS_PER_S))
        self._world.wheel.schedule(now_ns + READ_PULSE_NS, lambda later_ns: self._pulse(later_ns, bytes_per_s))

    # --- what the line hears ------------------------------------------------------------------------------------

    def line_open(self) -> None:
        """The WebSocket stands."""
        self._send(self.machine.opened(self._world.now_ns()))

    def line_text(self, frame: bytes) -> None:
        """A text frame came."""
        machine = self.machine
        was = machine.phase
        now_ns = self._world.now_ns()
        frames = machine.received(frame, now_ns)
        if frames or machine.phase is not was:
            self._send(frames)
            refused = machine.phase is Phase.CLOSING and self.record.error_code == "resume_not_available"
            if refused and not machine.cancelled:
                self._world.replace(self, now_ns)

    def line_binary(self, size_bytes: int) -> None:
        """A binary frame came."""
        self.machine.binary(size_bytes, self._world.now_ns())

    def line_closed(self, code: int, reason: str) -> None:
        """The connection is gone."""
        if not self._gone_with_gateway():
            now_ns = self._world.now_ns()
            self.machine.closed(now_ns, code, reason, by_plan=self._lost_gateway(now_ns))
            self._end()

    def line_failed(self, reason: str) -> None:
        """The connection never came to be."""
        if self._gone_with_gateway():
            return
        self.machine.failed(self._world.now_ns(), reason)
        self._end()

    def _gone_with_gateway(self) -> bool:
        """The plan took the gateway down, and this connection with it: wait for its return."""
        now_ns = self._world.now_ns()
        if not self._lost_gateway(now_ns) or not self.machine.cut(now_ns, "gateway", resume=True):
            return False
        self._line = None
        self._world.await_gateway(self)
        return True

    def _lost_gateway(self, now_ns: int) -> bool:
        return self._world.gateway_away(self._deaf_since_ns if now_ns < self._deaf_until_ns else now_ns)

    # --- small things ----------------------------------------------------------------------------------------------

    def _send(self, frames: list[bytes]) -> None:
        if self._line is not None and self._line.connection is not None:
            for frame in frames:
                self._line.connection.send_text(frame)
        due_ns = self.machine.due_ns()
        if due_ns is not None and not self._armed:
            self._armed = True
            self._world.wheel.schedule(due_ns, self.turn)
        if self.after_text_end and self.machine.text_ended:
            acts, self.after_text_end = self.after_text_end, []
            for act in acts:
                act(self._world.now_ns())

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None and line.connection is not None:
            line.connection.reset()
            line.connection = None
        self._end()

    def _end(self) -> None:
        self._line = None
        for connection in self._left_behind:
            connection.reset()
        self._left_behind.clear()
        if not self.over:
            self.over = True
            self._world.conversation_over(self)


class _Line:
    """One connection's ear: passes on what it hears while its conversation still holds it.

    Each knows the other, so it lets go of a connection that is over: the collector rests while a run lasts.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.connection: Connection | None = None
        self._conversation = conversation

    @property
    def _held(self) -> bool:
        return self._conversation._line is self

    def connection_open(self) -> None:
        if self._held:
            self._conversation.line_open()

    def text_frame(self, frame: bytes) -> None:
        if self._held:
            self._conversation.line_text(frame)

    def binary_frame(self, size_bytes: int) -> None:
        if self._held:
            self._conversation.line_binary(size_bytes)

    def connection_closed(self, code: int, reason: str) -> None:
        if self._held:
            self._conversation.line_closed(code, reason)
        self.connection = None

    def connection_failed(self, reason: str) -> None:
        if self._held:
            self._conversation.line_failed(reason)
        self.connection = None
