"""A Dask scheduler and its workers, each a process of its own, as on a cluster."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

UP_WITHIN_S = 60.0


class Dask:
    """A scheduler on a free port; `start_worker` adds workers. `close` ends what was started."""

    def __init__(self, directory: Path, host: str = "127.0.0.1", inside: Sequence[str] = ()) -> None:
        self._directory = directory
        self._started: list[subprocess.Popen[bytes]] = []
        told = directory / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", [*inside], ["--host", host, "--port", "0", "--scheduler-file", str(told), "--no-dashboard"], {}
        )
        deadline_s = time.monotonic() + UP_WITHIN_S
        while not (told.exists() and told.read_text().strip().endswith("}")):
            self._check(self.scheduler, deadline_s, "scheduler")
            time.sleep(0.05)
        self.address: str = json.loads(told.read_text())["address"]

    def start_worker(
        self,
        name: str,
        host: str = "127.0.0.1",
        inside: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start one; `inside` is a command that it is run by, such as `ip netns exec NAME`."""
        options = [self.address, "--host", host, "--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        return self._start(
            name, inside, ["--local-directory", str(self._directory / f"{name}.d"), *options], environment
        )

    def await_workers(self, *names: str) -> None:
        """Wait until they are registered."""
        deadline_s = time.monotonic() + UP_WITHIN_S
        for name in names:
            while "Registered to:" not in (self._directory / f"{name}.log").read_text():
                process = next(process for process in self._started if name in process.args)  # type: ignore[operator]
                self._check(process, deadline_s, name)
                time.sleep(0.05)

    def close(self) -> None:
        """End them all, outright: they have nothing to save, and would wait for one another."""
        for process in reversed(self._started):
            process.kill()
            process.wait()

    def _start(
        self, name: str, inside: Sequence[str], options: list[str], environment: Mapping[str, str] | None
    ) -> "subprocess.Popen[bytes]":
        kind = "scheduler" if name == "scheduler" else "worker"
        with (self._directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*inside, sys.executable, "-m", "dask", kind, *options],
                cwd=self._directory,
                env=os.environ | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def _check(self, process: "subprocess.Popen[bytes]", deadline_s: float, name: str) -> None:
        said = (self._directory / f"{name}.log").read_text()
        assert process.poll() is None, f"{name} ended: {said}"
        assert time.monotonic() < deadline_s, f"{name} is not up within {UP_WITHIN_S:g} s: {said}"
