"""The fault plan meets the conversations: every fault on time, every fault healed."""

from collections.abc import Callable

from ..faults import Cancel, Disconnect, Fault, FaultPlan, SlowReader
from ..load import TimerWheel
from .conversation import Action, Conversation


class Nemesis:
    """Puts the plan's faults on the wheel. `injected` counts those that met a live session, by name."""

    def __init__(self, plan: FaultPlan, wheel: TimerWheel[Action], victim: Callable[[int], Conversation]) -> None:
        self.injected: dict[str, int] = {}
        self._wheel = wheel
        self._victim = victim
        for fault in plan.faults:
            wheel.schedule(fault.at_ns, self._turn(fault))

    def _turn(self, fault: Fault) -> Action:
        return lambda now_ns: self._inject(fault, now_ns)

    def _inject(self, fault: Fault, now_ns: int) -> None:
        victim = self._victim(fault.session)
        if victim.over:
            return
        match fault:
            case Disconnect():
                self._disconnect(victim, fault, now_ns)
            case Cancel():
                victim.cancel(now_ns)
                self._count("cancel")
            case SlowReader():
                victim.read_slowly(now_ns, fault.read_bytes_per_s)
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
