"""A gateway that is up, and plans driven against it one after another."""

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import StackError
from ..record import RunResult
from ..run import Remark, Run, RunPlan, Show
from ..stack import ComposeStack, Gateway
from ..transport import Connection, Transport, choose_transport, parse_target, public_url
from .open_files import need_files
from .order import Order
from .replay import to_header

HANDSHAKE_LIMIT_S = 10.0
T = TypeVar("T")


class LiveGateway:
    """Brings an order's gateway up and knocks once; takes it down at the end, whatever happened.

    `latest` is the evidence of the plan driven last, also where Ctrl-C cut it short. Entering raises `UsageError`
    for what cannot be asked and `StackError` where there is no gateway to drive.
    """

    def __init__(self, order: Order, show: Show | None = None) -> None:
        self.transport = choose_transport(order.transport)
        self.stack = order.make_stack()
        self._show = show
        if show is not None and isinstance(self.stack, ComposeStack):
            self.stack.say = lambda words: show(Remark(f"the stack: {words}"))
        self.gateway = Gateway("")
        self.latest: RunResult | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.callback(self.stack.stop)
            self.gateway = self.stack.start()
            self._runner = opened.enter_context(asyncio.Runner(loop_factory=self.transport.new_event_loop))
            self._runner.run(knock(self.transport, self.gateway))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.close()

    def drive(self, plan: RunPlan, order: Order, journal: Path) -> RunResult:
        """Drive one plan, laid out from `order`, to its end. Raises `OwnFailure` where the evidence cannot be kept."""
        need_files(len(plan.sessions))

        async def execute() -> RunResult:
            run = Run(plan, self.gateway, self.stack, self.transport, journal, self._show, to_header(order))
            self.latest = run.result
            return await run.execute()

        return self._runner.run(execute())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something else on the loop, between two plans."""
        return self._runner.run(work)


async def knock(transport: Transport, gateway: Gateway) -> None:
    """Shake hands once before the load comes. Raises `StackError` with what was answered instead."""
    door = _Door()
    connection: Connection = transport.connect(parse_target(gateway.url, gateway.api_key), door)
    try:
        async with asyncio.timeout(HANDSHAKE_LIMIT_S):
            trouble = await door.answer
    except TimeoutError:
        trouble = f"no answer to the WebSocket handshake within {HANDSHAKE_LIMIT_S:g} s"
    connection.reset()
    if trouble:
        raise StackError(f"{public_url(gateway.url)}: {trouble}")


def knock_first(transport: Transport, gateway: Gateway) -> None:
    """Knock from where no loop runs yet. Raises as `knock` does."""
    with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
        runner.run(knock(transport, gateway))


class _Door:
    """Hears how the handshake went: "" when it opened, else the trouble."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def _say(self, trouble: str) -> None:
        if not self.answer.done():
            self.answer.set_result(trouble)

    def connection_open(self) -> None:
        self._say("")

    def text_frame(self, frame: bytes) -> None:
        pass

    def binary_frame(self, size_bytes: int) -> None:
        pass

    def connection_closed(self, code: int, reason: str) -> None:
        words = f"closed with {code} {reason}".strip()
        self._say(f"{words} before the handshake was over: see the gateway's own log, or correct --wdtts-url")

    def connection_failed(self, reason: str) -> None:
        self._say(reason)
