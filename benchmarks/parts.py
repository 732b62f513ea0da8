"""What each part of the generator and of the gateway costs: `python -m benchmarks.parts`. Prints a table.

CPU time of this process, the kernel's included; the median of some rounds. What happens on the wire is done over real
connections to the lean gateway.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pytest_wdtts.clock import NS_PER_MS
from pytest_wdtts.gate.open_files import need_files
from pytest_wdtts.ledger.audio import AudioTerms, check_pcm
from pytest_wdtts.load import LoadPlan, SessionPlan, TimerWheel
from pytest_wdtts.protocol import AudioChunk, StartAck, TextDelta, decode_client, decode_server, encode
from pytest_wdtts.protocol.tone import SYMBOL_MS
from pytest_wdtts.record import JournalWriter, RunHeader, RunResult, SessionRecord
from pytest_wdtts.run.conversation import Action, Conversation
from pytest_wdtts.session import ClientSession
from pytest_wdtts.transport import Connection, Listener, Target, Transport, choose_transport, parse_target
from reference_gateway.engines.dummy import Dummy
from reference_gateway.wav import wav_header

from .lean_gateway import LeanStack
from .machine import GATEWAY_CORE, GENERATOR_CORE, describe, place, placed

ROUNDS = 7
TEXT = "今天天气很好，"
"""Seven units up to a mark: a chunk of the shipped texts' usual length."""
SESSIONS = 500
UNITS = 20
"""Units of one session on the wire, without a mark and fewer than make a chunk: nothing is answered meanwhile."""


class World:
    """A world on the real transport, or with connections that take everything: then what is left is our own part."""

    def __init__(self, transport: Transport | None = None, url: str = "ws://127.0.0.1:9/tts") -> None:
        self.wheel: TimerWheel[Action] = TimerWheel()
        self.transport: Transport = transport or self  # type: ignore[assignment]
        self.target = parse_target(url)
        self.at_ns = 0

    def connect(self, target: Target, listener: Listener) -> Connection:
        """Be the connection as well."""
        return self  # type: ignore[return-value]

    def send_text(self, frame: bytes) -> None:
        """Take it."""

    def now_ns(self) -> int:
        """The time that the benchmark says it is."""
        return self.at_ns

    def conversation_over(self, conversation: Conversation) -> None:
        """Nobody counts them."""

    def open(self, index: int) -> Conversation:
        """A conversation that is being opened, with its first unit due within 200 ms."""
        plan = SessionPlan(
            session_id=f"wdtts-parts-{index:05d}",
            text="天" * UNITS,
            open_ns=0,
            first_unit_ns=(1 + index % 199) * NS_PER_MS,
            interval_ns=200 * NS_PER_MS,
            index=index,
        )
        machine = ClientSession(plan, SessionRecord(plan), dummy_engine=True)
        conversation = Conversation(self, machine, self.target)  # type: ignore[arg-type]
        conversation.open(0)
        return conversation

    def type_all(self) -> int:
        """Let the whole text of every conversation fall due, but not its end; return how many units left."""
        sent = 0
        for slot in range(200 * (UNITS - 1)):
            self.at_ns = slot * NS_PER_MS
            for action in self.wheel.take_due(self.at_ns):
                action(self.at_ns)
                sent += 1
        return sent


def cost_us(act: Callable[[], int]) -> float:
    """CPU time of one of the things that `act` did, in microseconds; it returns how many they were."""
    found = []
    for _ in range(ROUNDS):
        before_ns = time.process_time_ns()
        done = act()
        found.append((time.process_time_ns() - before_ns) / done / 1000)
    return median(found)


def repeated(act: Callable[[], object], times: int = 2000) -> float:
    """CPU time of something done so many times, each."""

    def loop() -> int:
        for _ in range(times):
            act()
        return times

    return cost_us(loop)


def unit_us() -> float:
    """A unit from its slot of the wheel to its frame."""
    worlds = [World() for _ in range(ROUNDS)]
    for world in worlds:
        for index in range(SESSIONS):
            conversation = world.open(index)
            conversation.line_open()
            conversation.line_text(acknowledgement(conversation.plan.session_id))
    left = iter(worlds)
    return cost_us(lambda: next(left).type_all())


def acknowledgement(session_id: str) -> bytes:
    """The gateway's `start_ack`."""
    return encode(StartAck(session_id, "pcm16_wav", 16000, 1, 120.0, wav_header(16000, 1)))


async def wire_us(transport: Transport, url: str) -> tuple[float, float]:
    """Opening a connection up to `start_ack`, and sending a unit, our own part included in both."""
    opening, sending = [], []
    for round_number in range(3):
        world = World(transport, url)
        before_ns = time.process_time_ns()
        conversations = [world.open(round_number * SESSIONS + index) for index in range(SESSIONS)]
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if all(conversation.machine.due_ns() is not None for conversation in conversations):
                break
        opening.append((time.process_time_ns() - before_ns) / SESSIONS / 1000)
        before_ns = time.process_time_ns()
        sent = world.type_all()
        sending.append((time.process_time_ns() - before_ns) / sent / 1000)
        for conversation in conversations:
            conversation.give_up(0, "measured")
        await asyncio.sleep(0.1)
    return median(opening), median(sending)


def journal_us() -> float:
    """A session's second in the journal: five units and a chunk."""
    load = LoadPlan().checked()
    result = RunResult(RunHeader(scenario="parts", run_id="r", url="", stack="", load=load))
    for index in range(SESSIONS):
        result.add(World().open(index).record)
    spent = []
    with TemporaryDirectory() as made:
        journal = JournalWriter(Path(made) / "parts.jsonl", result.header)
        for _ in range(ROUNDS + 1):
            before_ns = time.process_time_ns()
            journal.checkpoint(result)
            spent.append((time.process_time_ns() - before_ns) / SESSIONS / 1000)
            for record in result.sessions:
                for at_ns in range(5):
                    record.sent(10**10 + at_ns, 123_456)
                record.received(10**10, 3, 10, 16, 8960, 256)
        journal.close()
    return median(spent[1:])


def main() -> int:
    """Measure and print."""
    engine, terms = Dummy(SYMBOL_MS), AudioTerms(16000, 1, SYMBOL_MS, tone=True)
    pcm = engine.tones(TEXT, 0, 1)
    message = AudioChunk("wdtts-parts-00000", 7, 3, 0, len(TEXT) - 1, TEXT, "pcm16_wav", 16000, 1, pcm)
    frame, delta = encode(message), encode(TextDelta("wdtts-parts-00000", 7, "天"))
    need_files(4 * SESSIONS)
    transport, stack = choose_transport("auto"), LeanStack()
    gateway = stack.start()
    try:
        place(GATEWAY_CORE, stack.pids()[0])
        with placed(GENERATOR_CORE), asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
            opening_us, sending_us = runner.run(wire_us(transport, gateway.url))
            own_us = unit_us()
            parts = {
                "generator: opening a connection, up to `start_ack`": opening_us,
                "generator: a unit: due time, record, JSON, timer wheel": own_us,
                "generator: sending it: frame, `send`, the kernel's TCP": sending_us - own_us,
                "generator: a chunk: JSON, base64": repeated(lambda: decode_server(frame)),
                "generator: length and sound of its PCM": repeated(lambda: check_pcm(pcm, TEXT, 0, terms, False)),
                "generator: reading its tone back": repeated(lambda: check_pcm(pcm, TEXT, 0, terms))
                - repeated(lambda: check_pcm(pcm, TEXT, 0, terms, False)),
                "generator: journal, a session's second": journal_us(),
                "gateway: a unit: JSON": repeated(lambda: decode_client(delta)),
                "gateway: tones of a chunk": repeated(lambda: engine.tones(TEXT, 0, 1)),
                "gateway: a chunk: JSON, base64": repeated(lambda: encode(message)),
            }
    finally:
        stack.stop()
    print("| part | CPU time, us |\n|---|---|")
    print("\n".join(f"| {name} | {spent_us:.1f} |" for name, spent_us in parts.items()))
    print(f"\n{describe()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
