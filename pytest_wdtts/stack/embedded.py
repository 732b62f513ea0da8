"""The reference gateway as a child process on a free port."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from functools import cache

from ..errors import StackError, UsageError
from ..transport import http_origin
from .health import read_health
from .seam import Gateway

START_LIMIT_S = 20.0
STOP_LIMIT_S = 5.0
PROGRAM = "reference_gateway"


@cache
def check_defects(defects: tuple[str, ...]) -> None:
    """Ask the gateway, which alone knows its defects, whether it has these. Raises `UsageError` in its words."""
    command = [sys.executable, "-m", PROGRAM, "--check", *(f"--defect={defect}" for defect in defects)]
    asked = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_LIMIT_S, check=False
    )
    if asked.returncode:
        raise UsageError(asked.stderr.strip().removeprefix(f"{PROGRAM}: ").replace("--defect", "--wdtts-defect"))


class EmbeddedStack:
    """`python -m reference_gateway` with the given settings; its last words are kept for messages.

    `environment` holds `WS_TTS_*` settings, `defects` the values of `--defect`.
    """

    name = "embedded"
    program = PROGRAM
    breaks = frozenset({"gateway_restart", "gateway_pause", "gateway_drain", "gateway_logs"})

    def __init__(
        self, environment: dict[str, str] | None = None, defects: tuple[str, ...] = (), api_key: str = ""
    ) -> None:
        self._environment = {"WS_TTS_ENGINE": "dummy"} | (environment or {})
        self._defects = defects
        self._api_key = api_key
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self._words: deque[str] = deque(maxlen=50)
        self._log_taken = threading.Event()

    def start(self) -> Gateway:
        """Start the child and wait until its health page answers. Raises `StackError` with its last words.

        A second start takes the port of the first, so that clients find it again.
        """
        listening: queue.Queue[str] = queue.Queue()
        command = [
            sys.executable,
            "-m",
            self.program,
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
            "--end-with-stdin",  # A test process that is killed outright stops nothing; its end of the pipe closes.
        ]
        for defect in self._defects:
            command += ["--defect", defect]
        settings = self._environment | ({"WS_TTS_API_KEY": self._api_key} if self._api_key else {})
        self._process = subprocess.Popen(
            command,
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._log_taken.set()
        threading.Thread(target=self._listen, args=(self._process, listening), daemon=True).start()
        url = self._await_url(listening)
        self._port = int(url.rsplit(":", 1)[1].split("/", 1)[0])
        return Gateway(url, self._api_key, read_health(http_origin(url)))

    def stop(self) -> None:
        """End the child: politely, then by force."""
        self._log_taken.set()  # A child that waits to log hears no signal.
        if self._process is None:
            return
        self._signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._bury()

    def pids(self) -> list[int]:
        """The child's process id."""
        return [self._process.pid] if self._process else []

    def containers(self) -> dict[str, int]:
        """It has none."""
        return {}

    def last_words(self) -> list[str]:
        """The last lines that the child printed."""
        return list(self._words)

    def break_down(self, how: str) -> None:
        """Kill, stop or ask the child to finish, or leave its log in the pipe."""
        if how == "gateway_logs":
            self._log_taken.clear()
            return
        self._signal({"gateway_restart": signal.SIGKILL, "gateway_pause": signal.SIGSTOP}.get(how, signal.SIGTERM))

    def mend(self, how: str) -> None:
        """Let it go on, or start a new child on the same port. Raises `StackError`."""
        if how == "gateway_logs":
            self._log_taken.set()
            return
        if how == "gateway_pause":
            self._signal(signal.SIGCONT)
            return
        if self._process is not None:
            self._process.kill()
            self._bury()
        self.start()

    def _bury(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.wait(STOP_LIMIT_S)
        self._process.stdin.close()
        self._process = None

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _listen(self, process: "subprocess.Popen[str]", listening: "queue.Queue[str]") -> None:
        assert process.stdout is not None
        greeting = f"{self.program} listening on "
        with process.stdout as lines:
            for line in lines:
                self._log_taken.wait()
                self._words.append(line.rstrip())
                if line.startswith(greeting):
                    listening.put(line.removeprefix(greeting).strip())
        listening.put("")

    def _await_url(self, listening: "queue.Queue[str]") -> str:
        assert self._process is not None
        try:
            url = listening.get(timeout=START_LIMIT_S)
            if url:
                return url
            ended = f"ended with exit code {self._process.wait(STOP_LIMIT_S)}"  # It closed its output: it is dying.
        except (queue.Empty, subprocess.TimeoutExpired):
            ended = f"did not listen within {START_LIMIT_S:g} s"
        words = "\n  ".join(self._words) or "(it said nothing)"
        self.stop()
        by_hand = f"next: start it by hand with the same WS_TTS_ settings: python -m {self.program}"
        raise StackError(f"{self.program} {ended}; its last words:\n  {words}\n{by_hand}")
