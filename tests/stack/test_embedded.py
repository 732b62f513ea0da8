"""The embedded gateway does not outlive whoever started it, however that one ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from pytest_wdtts.doctor.talk import talk
from pytest_wdtts.protocol import Start, TextDelta, TextEnd, encode
from pytest_wdtts.stack import EmbeddedStack

ROOT = Path(__file__).resolve().parents[2]
ENDS_WITHIN_S = 20

STARTS = """\
import time
from pytest_wdtts.stack import EmbeddedStack
stack = EmbeddedStack()
stack.start()
print(*stack.pids(), flush=True)
time.sleep(120)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed outright", "asked to end"])
def test_a_gateway_ends_with_the_process_that_started_it(number: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", STARTS], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout as said:
        gateway = psutil.Process(int(said.readline()))
        owner.send_signal(number)
        owner.wait(ENDS_WITHIN_S)
        try:
            gateway.wait(ENDS_WITHIN_S)
        except psutil.TimeoutExpired:
            gateway.kill()
            raise


def test_without_being_told_so_a_gateway_does_not_mind_its_standard_input() -> None:
    command = [sys.executable, "-m", "reference_gateway", "--host", "127.0.0.1", "--port", "0"]
    gateway = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"WS_TTS_ENGINE": "dummy"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert gateway.stdout is not None
    with gateway.stdout as said:
        assert said.readline().startswith(b"reference_gateway listening on ")
        with pytest.raises(subprocess.TimeoutExpired):
            gateway.wait(0.5)
        gateway.terminate()
        assert gateway.wait(ENDS_WITHIN_S) == 0


def utterance(url: str, limit_s: float) -> list[str]:
    session = uuid4().hex
    frames = [
        encode(Start(session, "pcm16_wav", 16000, 1)),
        encode(TextDelta(session, 0, "一。二。三。")),
        encode(TextEnd(session, 1)),
    ]
    return talk(url, "", frames, ("tts_end",), limit_s).kinds()


@pytest.mark.parametrize(("defects", "stopped"), [((), False), (("log_on_loop:kib=256",), True)])
def test_a_log_that_nobody_takes_stops_only_who_logs_on_its_loop(defects: tuple[str, ...], stopped: bool) -> None:
    stack = EmbeddedStack(defects=defects)
    url = stack.start().url
    try:
        stack.break_down("gateway_logs")
        meanwhile = utterance(url, 1.0 if stopped else ENDS_WITHIN_S)
        stack.mend("gateway_logs")
        assert ("tts_end" not in meanwhile) is stopped
        assert "tts_end" in utterance(url, ENDS_WITHIN_S)
        stack.break_down("gateway_logs")
    finally:
        stack.stop()
    assert stack.pids() == []
