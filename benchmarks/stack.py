"""From `docker compose up` to the first session of the Compose stack: `python -m benchmarks.stack`. Prints JSON.

Images exist: the first round, which may build them, is left out. A session has begun when its `start_ack` is there.
Each phase is timed from the word that the stack says on entering it. `external` is what the same gateway costs as an
external one, until the load may begin.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from tempfile import TemporaryDirectory

import msgspec
from websockets.sync.client import connect

from pytest_wdtts.gate import Order
from pytest_wdtts.gate.live import LiveGateway
from pytest_wdtts.stack import ComposeStack

from .machine import describe

PHASES = ("build", "start", "health")
START = {"type": "start", "session_id": "first", "audio_format": "pcm16_wav", "sample_rate": 16_000, "channels": 1}
ANSWER_LIMIT_S = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stack", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    seen = [one_round() for _ in range(rounds + 1)][1:]
    figures = {"machine": describe(), "rounds": rounds} | {
        f"{name}_s": {
            "median": round(statistics.median(one[name] for one in seen), 2),
            "max": round(max(one[name] for one in seen), 2),
        }
        for name in (*PHASES, "first_session", "external", "down")
    }
    print(msgspec.json.format(msgspec.json.encode(figures), indent=1).decode())
    return 0


def one_round() -> dict[str, float]:
    """Bring it up, begin a session, take it down; return the seconds of each, `first_session` from `up` on."""
    entered_s: dict[str, float] = {}
    with TemporaryDirectory() as made:
        stack = ComposeStack(report_dir=made)

        def note(phase: str) -> None:
            entered_s.setdefault(phase, time.monotonic())

        stack.say = note
        try:
            gateway = stack.start()
            up_s = time.monotonic()
            with connect(gateway.url, proxy=None) as line:
                line.send(json.dumps(START))
                assert json.loads(line.recv(timeout=ANSWER_LIMIT_S))["type"] == "start_ack"
            begun_s = time.monotonic()
            with LiveGateway(Order(scenario="baseline", url=gateway.url)):
                met_s = time.monotonic()
        finally:
            stack.stop()
        down_s = time.monotonic()
    times_s = [entered_s[phase] for phase in PHASES] + [up_s]
    lasted_s = {phase: times_s[place + 1] - times_s[place] for place, phase in enumerate(PHASES)}
    first_s = {"first_session": begun_s - entered_s["start"], "external": met_s - begun_s}
    return lasted_s | first_s | {"down": down_s - met_s}


if __name__ == "__main__":
    sys.exit(main())
