"""The load as Locust users: a greenlet each that types, one that listens, every chunk fired as a request.

Runs in Locust's own environment, so it shares nothing with the other clients but the plan's file.
"""

import json
import os
import resource
import time
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import gevent
import websocket
from locust import User, events, task
from locust.exception import StopUser

LOAD: dict[str, Any] = json.loads(os.environ["BENCH_LOAD"])
PLAN: list[dict[str, Any]] = json.loads(Path(LOAD["plan_path"]).read_text(encoding="utf-8"))
NS_PER_S = 1e9


class Seen:
    """What all users saw."""

    number = count()
    origin_s = cpu_s = 0.0
    units_sent = chunks = over = 0
    lateness_s: ClassVar[list[float]] = []


def cpu_s() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@events.test_start.add_listener
def begin(environment: Any, **_: object) -> None:
    """Locust: users are about to be spawned."""
    Seen.cpu_s = cpu_s()
    Seen.origin_s = time.monotonic() + 0.5


@events.quitting.add_listener
def end(environment: Any, **_: object) -> None:
    """Locust: all is over."""
    late_s = sorted(Seen.lateness_s)
    cost = {
        "cpu_s": cpu_s() - Seen.cpu_s,
        "units_sent": Seen.units_sent,
        "chunks_received": Seen.chunks,
        "lateness_p99_ms": round(late_s[len(late_s) * 99 // 100] * 1000, 3),
    }
    Path(LOAD["result_path"]).write_text(json.dumps(cost), encoding="utf-8")


def until(at_ns: float) -> float:
    """Sleep until that time of the plan; return how late it has become, in seconds."""
    at_s = Seen.origin_s + at_ns / NS_PER_S
    gevent.sleep(max(0.0, at_s - time.monotonic()))
    return time.monotonic() - at_s


class Typist(User):  # type: ignore[misc]
    """One session of the plan, then no more."""

    host = LOAD["url"]

    @task
    def converse(self) -> None:
        """Type the whole text, wait for the end, leave."""
        plan = PLAN[next(Seen.number)]
        until(plan["open_ns"])
        # Its check of UTF-8 is in Python, and would cost more than all the rest: a careful user leaves it out.
        line = websocket.create_connection(LOAD["url"], enable_multithread=False, skip_utf8_validation=True)
        listening = gevent.spawn(self.listen, line)
        form = {"audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1}
        self.say(line, plan, type="start", **form)
        for seq, unit in enumerate(plan["text"]):
            Seen.lateness_s.append(until(plan["first_unit_ns"] + seq * plan["interval_ns"]))
            self.say(line, plan, type="text_delta", seq=seq, text=unit)
        Seen.units_sent += len(plan["text"])
        self.say(line, plan, type="text_end", seq=len(plan["text"]))
        listening.join()
        line.close()
        Seen.over += 1
        if Seen.over == len(PLAN):
            gevent.spawn_later(0.1, self.environment.runner.quit)  # Not from the user that it would wait for.
        raise StopUser

    def listen(self, line: Any) -> None:
        """Parse every message until `tts_end`."""
        while True:
            began_s = time.perf_counter()
            frame = line.recv()
            message = json.loads(frame)
            if message["type"] == "tts_end":
                return
            if message["type"] == "audio_chunk":
                Seen.chunks += 1
                took_ms = (time.perf_counter() - began_s) * 1000
                self.environment.events.request.fire(
                    request_type="WS", name="audio_chunk", response_time=took_ms, response_length=len(frame)
                )

    def say(self, line: Any, plan: dict[str, Any], **message: object) -> None:
        """Send one message of this session."""
        line.send(json.dumps(message | {"session_id": plan["session_id"]}))
