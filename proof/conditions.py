"""What a diagnosis is calibrated on: one cause switched on at a time, and what should then be said."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from msgspec import Struct

from pytest_wdtts.attribution import Cause
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import parse_target

from .slow_proxy import NO_LIMIT_KB_PER_S, slow_proxy


class Condition(Struct, frozen=True, kw_only=True):
    """One trouble: defects of the gateway, a proxy before it, or our own process stopped again and again."""

    name: str
    truth: Cause
    defects: tuple[str, ...] = ()
    delay_ms: float = 0.0
    kb_per_s: float = NO_LIMIT_KB_PER_S
    stop_us: bool = False

    @property
    def proxied(self) -> bool:
        """Whether a proxy stands before the gateway: it is then an external one, whose process nobody sees."""
        return self.delay_ms > 0 or self.kb_per_s < NO_LIMIT_KB_PER_S


CONDITIONS = (
    Condition(name="healthy", truth=Cause.NONE),
    Condition(name="CPU burnt per unit", truth=Cause.SATURATED, defects=("cpu_per_unit:ms=1.5",)),
    Condition(name="loop blocked 300 ms every 5 s", truth=Cause.STALLS, defects=("loop_blocked",)),
    Condition(name="slow readers block all", truth=Cause.SLOW_READERS, defects=("slow_reader_blocks",)),
    Condition(name="1 MiB leaked per session", truth=Cause.DRIFT, defects=("memory_leak:kib=1024",)),
    Condition(name="10 ms slower every second", truth=Cause.DRIFT, defects=("service_drift",)),
    Condition(name="flushed at 48 units only", truth=Cause.FLUSH, defects=("flush_limit",)),
    Condition(name="proxy delays by 80 ms", truth=Cause.NETWORK, delay_ms=80.0),
    Condition(name="proxy with a link of 1 MB/s", truth=Cause.NETWORK, kb_per_s=1000.0),
    Condition(name="our process stopped 300 ms a second", truth=Cause.GENERATOR, stop_us=True),
)

STOPPED_S, RUNNING_S = 0.3, 0.7


@contextmanager
def arranged(condition: Condition) -> Iterator[str]:
    """Bring the trouble about; yield the URL to diagnose, "" where the diagnosis starts the gateway itself."""
    with ExitStack() as opened:
        url = ""
        if condition.proxied:
            stack = EmbeddedStack(defects=condition.defects)
            opened.callback(stack.stop)
            target = parse_target(stack.start().url)
            port = opened.enter_context(slow_proxy(target.authority, condition.delay_ms, condition.kb_per_s))
            url = f"ws://127.0.0.1:{port}/tts"
        if condition.stop_us:
            command = [sys.executable, "-m", "proof.conditions", str(os.getpid())]
            opened.callback(subprocess.Popen(command).kill)
        yield url


def stop_again_and_again(pid: int) -> None:
    """Stop a process for a while, let it run for a while, as long as it is our parent."""
    while os.getppid() == pid:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(STOPPED_S)
        os.kill(pid, signal.SIGCONT)
        time.sleep(RUNNING_S)


if __name__ == "__main__":
    stop_again_and_again(int(sys.argv[1]))
