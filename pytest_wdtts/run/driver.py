"""Plan meets world: one event loop, one timer, all sessions, probes and faults of a run.

Evidence goes to the journal every second. The run always ends: every conversation has deadlines of its own,
and the run has one above them all.
"""

import asyncio
import dataclasses
import gc
import os
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from ..clock import NS_PER_MS, NS_PER_S, MonotonicClock
from ..errors import OwnFailure, WdttsError
from ..load import SessionPlan, TimerWheel
from ..record import (
    ContainerLine,
    EventKind,
    GatewayFaultLine,
    JournalWriter,
    LoopDelayLine,
    RunFooter,
    RunHeader,
    RunResult,
    SampleLine,
    SessionRecord,
)
from ..session import ClientSession
from ..stack import Gateway, Stack, sample, sample_container
from ..transport import Target, Transport, http_origin, parse_target, public_url
from .conversation import Action, Conversation
from .environment import describe_machine
from .nemesis import Nemesis
from .progress import Progress, Snapshot
from .scenario import RunPlan

LEAD_NS = NS_PER_S // 5
SWEEP_S = 0.05
SWEEPS_PER_DEADLINE = 5
SWEEPS_PER_CHECKPOINT = 20
GRACE_AFTER_PLAN_S = 12.0
EARLIEST_NS = -(2**63)


class Run:
    """One run; `execute` returns its evidence, also when it was interrupted.

    Parts of one run share `origin_ns`, a time of the machine's monotonic clock; 0: as soon as all is ready.
    """

    def __init__(
        self,
        plan: RunPlan,
        gateway: Gateway,
        stack: Stack,
        transport: Transport,
        journal_path: Path,
        progress: Progress | None = None,
        order: dict[str, object] | None = None,
        origin_ns: int = 0,
    ) -> None:
        self.wheel: TimerWheel[Action] = TimerWheel(on_earlier=self._arm)
        self.transport = transport
        self.plan = plan
        self._gateway = gateway
        self._target = parse_target(gateway.url, gateway.api_key)
        self._stack = stack
        self._buffers = plan.faults.receive_buffers()
        self._progress = progress
        self._clock = MonotonicClock()
        self._common_origin_ns = origin_ns
        self._origin_ns = origin_ns or self._clock.now_ns() + LEAD_NS
        self._conversations: list[Conversation] = []
        self._by_index: dict[int, Conversation] = {}
        self._alive = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._over = asyncio.Event()
        self._crashed = ""
        self.result = RunResult(self._header(stack.name, order or {}))
        self._journal = JournalWriter(journal_path, self.result.header)
        self._nemesis = Nemesis(
            plan.faults, self.wheel, self._by_index.__getitem__, stack, self._gateway_healed, self._fail_by
        )

    async def execute(self) -> RunResult:
        """Run to the end. Cancelling it (Ctrl-C) ends it in order: the evidence so far is saved."""
        cpu_s = time.process_time()
        for session in (*self.plan.sessions, *self.plan.probes):
            self._plan_conversation(session)
        gc.collect()
        # Nothing of a run is left for the collector: what is over is freed at once, what is recorded stays.
        collecting = gc.isenabled()
        gc.disable()
        self._origin_ns = self._common_origin_ns or self._clock.now_ns() + LEAD_NS
        stopped = "interrupted"
        asyncio.get_running_loop().set_exception_handler(self._crash)
        try:
            self._journal.checkpoint(self.result)  # A run that is killed at once still says who was to take part.
            async with asyncio.TaskGroup() as background:
                watchers = [background.create_task(self._watch(work)) for work in (self._sweep(), self._sample())]
                stopped = await self._until_over()
                for watcher in watchers:
                    watcher.cancel()
        finally:
            if collecting:
                gc.enable()
            self._finish(stopped, time.process_time() - cpu_s)
        return self.result

    # --- World, as conversations see it ----------------------------------------------------------------------

    def now_ns(self) -> int:
        """Time since the run's origin."""
        return self._clock.now_ns() - self._origin_ns

    def conversation_over(self, conversation: Conversation) -> None:
        """Count it out; the last one ends the run."""
        self._alive -= 1
        if not self._alive:
            self._over.set()

    def gateway_away(self, since_ns: int) -> bool:
        """Whether the nemesis has the gateway down, or had it so at any time since."""
        return self._nemesis.gateway_away or self._nemesis.returned_ns >= since_ns

    def gateway_broken(self) -> bool:
        """Whether the nemesis is at work on the gateway."""
        return self._nemesis.gateway_broken

    def await_gateway(self, conversation: Conversation) -> None:
        """Bring the conversation back with the gateway, or at once where that is back already."""
        if self._nemesis.gateway_away:
            self._nemesis.waiting.append(conversation)
        else:
            self.wheel.schedule(self.now_ns(), conversation.come_back)

    def replace(self, conversation: Conversation, now_ns: int) -> None:
        """Open a new session for what the old one did not bring; the old one's loss is explained by it."""
        old = conversation.plan
        done = conversation.machine.last_unit_received + 1
        conversation.record.note(now_ns, EventKind.REPLACED, f"from unit {done}")
        if done >= len(old.text):
            return
        new = replace(
            old,
            session_id=f"{old.session_id}r",
            text=old.text[done:],
            open_ns=now_ns,
            first_unit_ns=old.due_ns(done),
            replaces=old.session_id,
        )
        self._plan_conversation(new)

    # --- inside ------------------------------------------------------------------------------------------------

    def _plan_conversation(self, session: SessionPlan) -> None:
        record = SessionRecord(session)
        self.result.add(record)
        load = self.plan.load
        machine = ClientSession(
            session,
            record,
            load.sample_rate,
            load.channels,
            load.audio_format,
            self._gateway.dummy_engine,
            tone_every=load.tone_every,
        )
        if not session.probe:
            machine.shelf = self.result.shelf
        conversation = Conversation(self, machine, self._target_of(session))
        self._conversations.append(conversation)
        if not session.probe:
            self._by_index[session.index] = conversation
        self._alive += 1
        self.wheel.schedule(session.open_ns, conversation.open)

    def _target_of(self, session: SessionPlan) -> Target:
        if session.probe or session.index not in self._buffers:
            return self._target
        return dataclasses.replace(self._target, receive_buffer_bytes=self._buffers[session.index])

    async def _until_over(self) -> str:
        plan = self.plan
        planned_ns = round((plan.load.ramp_s + plan.load.duration_s) * NS_PER_S)
        last_due_ns = max((session.due_ns(len(session.text)) for session in plan.sessions), default=planned_ns)
        if not plan.sessions:  # A part that only watches and breaks the gateway.
            self.wheel.schedule(planned_ns, lambda now_ns: self._over.set())
        limit_ns = last_due_ns + plan.faults.longest_ns() + round(GRACE_AFTER_PLAN_S * NS_PER_S)
        self._arm()
        # A gateway that is late to return from what the plan did to it leaves the sessions so much less of their time.
        while not self._over.is_set() and (left_ns := limit_ns + self._nemesis.late_ns - self.now_ns()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_ns / NS_PER_S):
                    await self._over.wait()
            await self._nemesis.at_rest()
        if not self._over.is_set():
            for conversation in list(self._conversations):
                conversation.give_up(self.now_ns(), "still open when the run had to end")
        return self._crashed

    def _crash(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """An error of ours in a callback: the run is over, and no evidence against anybody."""
        self._fail_by(context.get("exception") or context.get("message"))

    def _fail_by(self, error: object) -> None:
        self._crashed = f"our own failure: {error if isinstance(error, WdttsError) else repr(error)}"
        self._over.set()

    def _gateway_healed(self, line: GatewayFaultLine) -> None:
        self.result.gateway_faults.append(line)
        self._journal.write(line)

    def _arm(self) -> None:
        """Set the one timer to the wheel's next slot."""
        next_ns = self.wheel.next_ns()
        if next_ns is None:
            return
        if self._timer is not None and self._timer_ns <= next_ns:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ns = next_ns
        loop = asyncio.get_running_loop()
        # Whole milliseconds, rounded up: a loop that rounds down would wake before the slot, over and over.
        wait_ms = max(0, -((self.now_ns() - next_ns) // NS_PER_MS))
        self._timer = loop.call_later(wait_ms / 1000, self._tick)

    def _tick(self) -> None:
        # While the turn lasts its timer counts as the earliest there is, so that what it schedules arms no other.
        self._timer_ns = EARLIEST_NS
        for action in self.wheel.take_due(self.now_ns()):
            action(self.now_ns())
        self._timer = None
        self._arm()

    async def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        """An error of ours in what goes on beside the load ends the run as one in a callback does."""
        try:
            await work
        except Exception as error:
            self._fail_by(error)

    async def _sweep(self) -> None:
        """Deadlines, our own loop's delay and the journal; a share of the sessions each turn: none may last long."""
        turn = 0
        delays_ns: list[int] = []
        while True:
            planned_ns = self._clock.now_ns() + round(SWEEP_S * NS_PER_S)
            await asyncio.sleep(SWEEP_S)
            delays_ns.append(max(0, self._clock.now_ns() - planned_ns))
            now_ns = self.now_ns()
            for conversation in self._conversations[turn % SWEEPS_PER_DEADLINE :: SWEEPS_PER_DEADLINE]:
                conversation.sweep(now_ns)
            self._journal.checkpoint(self.result, slice(turn % SWEEPS_PER_CHECKPOINT, None, SWEEPS_PER_CHECKPOINT))
            turn += 1
            if turn % SWEEPS_PER_CHECKPOINT == 0:
                self._conversations = [c for c in self._conversations if not c.over]
                self.result.loop_delays_ns += delays_ns
                self._journal.write(LoopDelayLine(now_ns, delays_ns))
                delays_ns = []
                self._tell_progress(now_ns)

    def _tell_progress(self, now_ns: int) -> None:
        if self._progress is not None:
            up = sum(not c.plan.probe and not c.over and bool(c.record.events) for c in self._conversations)
            self._progress(Snapshot.of(self.result, up, now_ns, self.plan.load))

    async def _sample(self) -> None:
        """Look at the gateway and the containers every second, in a thread: reading /proc can take a while.

        While the gateway is started again there is nothing to look at, for a moment.
        """
        while (pids := self._stack.pids()) is not None:
            where = http_origin(self._gateway.url), self._gateway.api_key
            taken = await asyncio.to_thread(sample, pids, self.now_ns(), *where)
            if taken is not None:
                self.result.samples.append(taken)
                self._journal.write(SampleLine(taken))
            for service, pid in self._stack.containers().items():
                seen = await asyncio.to_thread(sample_container, service, pid, self.now_ns())
                if seen is not None:
                    self.result.container_samples.append(seen)
                    self._journal.write(ContainerLine(seen))
            await asyncio.sleep(1.0)

    def _finish(self, stopped: str, cpu_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for conversation in list(self._conversations):
            conversation.give_up(self.now_ns(), "the run broke off")
        self.result.injected = dict(self._nemesis.injected)
        self.result.footer = RunFooter(
            end_ns=self.now_ns(), stopped=stopped, generator_cpu_s=cpu_s, injected=self.result.injected
        )
        try:
            self._journal.checkpoint(self.result)
            self._journal.write(self.result.footer)
            self._journal.close()
        except OSError as error:
            raise OwnFailure(
                f"the journal {self._journal.path} could not be written ({error.strerror}): "
                "the evidence is lost; make room, or give another --wdtts-report"
            ) from error

    def _header(self, stack_name: str, order: dict[str, object]) -> RunHeader:
        plan = self.plan
        return RunHeader(
            scenario=plan.scenario,
            run_id=plan.run_id,
            url=public_url(self._gateway.url),
            stack=stack_name,
            load=plan.load,
            faults=plan.faults.described(),
            planned_faults=to_builtins(plan.faults.faults),
            corpus_sha256=plan.corpus.sha256,
            origin_unix_s=time.time() + (self._origin_ns - self._clock.now_ns()) / NS_PER_S,
            environment=describe_machine() | {"transport": self.transport.name, "pid": str(os.getpid())},
            gateway=self._gateway.health,
            order=order,
        )
