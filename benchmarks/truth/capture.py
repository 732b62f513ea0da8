"""tcpdump beside a run: every packet of one port on the loopback interface, in a file, with the kernel's own times."""

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_wdtts.errors import OwnFailure, UsageError

from ..machine import GATEWAY_CORE, place

START_LIMIT_S = 10.0
STOP_LIMIT_S = 20.0
LINGER_S = 1.5
"""tcpdump takes packets from the kernel once a second: before it is stopped it gets the last of them."""
BUFFER_KIB = 65536
NEXT_STEP = "make truth needs tcpdump and the right to capture: run ci/install_tcpdump, and the benchmark as root"


class Capture:
    """Captures while the block lasts. Raises `UsageError` where that cannot be, `OwnFailure` where packets are missing.

    Packets on the loopback interface get their time when the receiver's side of the kernel takes them, nanoseconds
    of the wall clock.
    """

    def __init__(self, port: int, path: Path) -> None:
        self._port = port
        self._path = path
        self._words_path = path.with_suffix(".tcpdump.log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        tcpdump = shutil.which("tcpdump")
        if tcpdump is None:
            raise UsageError(f"no tcpdump on this machine. {NEXT_STEP}")
        command = [
            *(tcpdump, "-i", "lo", "-n", "--buffer-size", str(BUFFER_KIB)),
            *("--time-stamp-precision", "nano", "-w", "-", f"tcp port {self._port}"),
        ]
        with self._path.open("wb") as packets, self._words_path.open("wb") as words:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=packets, stderr=words)
        place(GATEWAY_CORE, self._process.pid)
        deadline_s = time.monotonic() + START_LIMIT_S
        while "listening on" not in self._words:
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                said = self._words.strip() or f"it did not listen within {START_LIMIT_S:g} s"
                self._end()
                raise UsageError(f"tcpdump cannot capture ({said}). {NEXT_STEP}")
            time.sleep(0.02)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            time.sleep(LINGER_S)
        self._end()
        lost = re.search(r"^(\d+) packets dropped by kernel", self._words, re.MULTILINE)
        if kind is None and (lost is None or int(lost[1])):
            raise OwnFailure(
                f"the capture is not whole, tcpdump said: {self._words.strip()}. Run it again on a quieter machine, "
                "or with fewer sessions"
            )

    @property
    def _words(self) -> str:
        return self._words_path.read_text(errors="replace")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
