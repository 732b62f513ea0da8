"""The embedded gateway does not outlive whoever started it, however that one ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

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
