"""The fault plan meets the conversations: every fault on time, every fault healed."""

import asyncio
from collections.abc import Callable

from ..clock import NS_PER_MS, NS_PER_S
from ..faults import GATEWAY_BREAKS, Cancel, Disconnect, Fault, FaultPlan, GatewayFault, SlowReader
from ..load import TimerWheel
from ..record import GatewayFaultLine
from ..stack import Stack
from .conversation import Action, Conversation

NOT_YET_NS = -(2**63)
RETURN_SPREAD_NS = 20 * NS_PER_MS
RETURN_WITHIN_NS = 2 * NS_PER_S
"""Who lost the gateway comes back one after another, so that the return is no storm, but all of them within this."""


class Nemesis:
    """Puts the plan's faults on the wheel. `injected` counts those that met a live session, by name.

    `healed` hears of each fault of the gateway itself once it is over; `trouble` of one that could not be
    carried out. What the stack does not break itself, somebody else breaks, counts and tells of.
    """

    def __init__(
        self,
        plan: FaultPlan,
        wheel: TimerWheel[Action],
        victim: Callable[[int], Conversation],
        stack: Stack,
        healed: Callable[[GatewayFaultLine], None],
        trouble: Callable[[Exception], None],
    ) -> None:
        self.injected: dict[str, int] = {}
        self.gateway_away = False
        self.returned_ns = NOT_YET_NS
        """When the gateway was back the last time that it was away."""
        self.late_ns = 0
        """By how much the gateway was later to return than it was asked to."""
        self.waiting: list[Conversation] = []
        self._stack = stack
        self._healed = healed
        self._trouble = trouble
        self._work: dict[asyncio.Task[None], GatewayFault] = {}
        self._wheel = wheel
        self._victim = victim
        for fault in plan.faults:
            wheel.schedule(fault.at_ns, self._turn(fault))
        for broken in plan.gateway:
            wheel.schedule(broken.at_ns, self._break_turn(broken))

    def _break_turn(self, fault: GatewayFault) -> Action:
        def begin(now_ns: int) -> None:
            before = [task for task, other in self._work.items() if fault.takes_away or other.takes_away]
            task = asyncio.get_running_loop().create_task(self._break_gateway(fault, now_ns, before))
            self._work[task] = fault
            task.add_done_callback(self._work.pop)

        return begin

    async def _break_gateway(self, fault: GatewayFault, began_ns: int, before: list[asyncio.Task[None]]) -> None:
        """Break, wait, mend; in threads, because a process takes its time to go and to come.

        A gateway that took too long to come, from a fault `before`, is not broken until it is there.
        """
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        await asyncio.gather(*before)
        began_s = loop.time()
        began_ns += round((began_s - due_s) * NS_PER_S)
        ours = fault.how in self._stack.breaks
        if ours:
            self._count(fault.how)
        self.gateway_away |= fault.takes_away
        try:
            await asyncio.to_thread(self._stack.break_down, fault.how)
            await asyncio.sleep(fault.down_ns / NS_PER_S)
            await asyncio.to_thread(self._stack.mend, fault.how)
        except Exception as error:
            self._trouble(error)
            return
        now_ns = began_ns + round((loop.time() - began_s) * NS_PER_S)
        self.late_ns = max(self.late_ns, now_ns - fault.heals_ns)
        if fault.takes_away:
            self.gateway_away, self.returned_ns = False, now_ns
        if ours:
            self._healed(GatewayFaultLine(fault.how, began_ns, now_ns))
        waiting, self.waiting = self.waiting, []
        spread_ns = min(RETURN_SPREAD_NS, RETURN_WITHIN_NS // max(1, len(waiting)))
        for place, conversation in enumerate(waiting):
            self._wheel.schedule(now_ns + place * spread_ns, conversation.come_back)

    @property
    def gateway_broken(self) -> bool:
        """Whether something is being done to the gateway that excuses that it is slow."""
        return any(GATEWAY_BREAKS[fault.how].excuses for fault in self._work.values())

    async def at_rest(self) -> None:
        """Wait until the gateway is mended."""
        await asyncio.gather(*self._work)

    def _turn(self, fault: Fault) -> Action:
        return lambda now_ns: self._inject(fault, now_ns)

    def _inject(self, fault: Fault, now_ns: int) -> None:
        victim = self._victim(fault.session)
        if victim.over:
            return
        if getattr(fault, "with_text_end", False) and not victim.machine.text_ended:
            victim.after_text_end.append(self._turn(fault))
            return
        match fault:
            case Disconnect():
                self._disconnect(victim, fault, now_ns)
            case Cancel():
                if victim.cancel(now_ns):
                    self._count("cancel")
            case SlowReader():
                if victim.read_slowly(now_ns, fault.read_bytes_per_s):
                    self._wheel.schedule(now_ns + fault.pause_ns, victim.read_normally)
                    self._count("slow_reader")

    def _disconnect(self, victim: Conversation, fault: Disconnect, now_ns: int) -> None:
        def cut(at_ns: int) -> None:
            if victim.cut(at_ns, fault.how, fault.resume):
                self._count("disconnect")
                self._wheel.schedule(at_ns + fault.delay_ns, victim.come_back)

        if fault.how == "within_frame":
            victim.cut_within_frame(cut)
        else:
            cut(now_ns)

    def _count(self, name: str) -> None:
        self.injected[name] = self.injected.get(name, 0) + 1
