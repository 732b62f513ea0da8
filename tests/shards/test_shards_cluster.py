"""`--wdtts-cluster`: the parts of a run on Dask workers, each a real process, judged as one run."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services import Service, gateway
from tests.shards.dask_processes import Dask
from tests.shards.judged import blamed, journal, sessions_of, verdicts

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 120.0
LOAD = ("--concurrency", "5", "--cps", "20", "--duration", "3", "--seed", "7")
INTERRUPTED, INVALID = 2, 3

StartDask = Callable[..., Dask]


class Bench:
    """`wdtts bench` as a process."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.reports = directory
        command = [sys.executable, "-m", "pytest_wdtts.cli", "bench", *arguments, "--report", str(directory)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self) -> tuple[int, str]:
        said, _ = self.process.communicate(timeout=ENDS_WITHIN_S)
        assert "Traceback" not in said, said
        return self.process.returncode, said

    def report(self, scenario: str = "baseline") -> dict[str, Any]:
        return dict(json.loads((self.reports / f"{scenario}.json").read_text()))


def await_load(run: Bench) -> None:
    """Wait until the leader has seen a second of the run."""
    deadline_s = time.monotonic() + ENDS_WITHIN_S
    while not any(
        line["line"] == "loop_delay" and line["at_ns"] > 1e9
        for path in run.reports.glob("*.shard-*.jsonl")
        for line in journal(run.reports, path.name)
    ):
        assert run.process.poll() is None, run.end()
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def await_connections(gateway: Service, enough: Callable[[int], bool]) -> None:
    """Wait until a gateway has as many as that, by its own count; the plan's end is far beyond the deadline."""
    deadline_s = time.monotonic() + 45
    while True:
        with urllib.request.urlopen(f"{gateway.http}/healthz", timeout=10) as answer:
            now = int(json.load(answer)["connections"])
        if enough(now):
            return
        assert time.monotonic() < deadline_s, f"{now} connections"
        time.sleep(0.1)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    started: list[Bench] = []

    def start(name: str, *arguments: str) -> Bench:
        started.append(Bench(tmp_path / name, *arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[StartDask]:
    """Start a scheduler with the named workers."""
    started: list[Dask] = []

    def start(*workers: str) -> Dask:
        (tmp_path / "dask").mkdir()
        dask = Dask(tmp_path / "dask")
        started.append(dask)
        for name in workers:
            dask.start_worker(name)
        dask.await_workers(*workers)
        return dask

    yield start
    for each in started:
        each.close()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """A cluster of two workers, for all tests that leave it as it was."""
    dask = Dask(tmp_path_factory.mktemp("two"))
    try:
        dask.start_worker("one")
        dask.start_worker("other")
        dask.await_workers("one", "other")
        yield dask
    finally:
        dask.close()


def test_the_merged_verdict_is_the_single_processs(two: Dask, bench: Callable[..., Bench]) -> None:
    runs = {
        name: bench(name, *LOAD, *more) for name, more in {"alone": (), "shared": ("--cluster", two.address)}.items()
    }
    said = {name: run.end()[1] for name, run in runs.items()}
    alone, shared = runs.values()
    assert blamed(alone.reports) == blamed(shared.reports) == set(), said
    assert verdicts(shared.reports) == verdicts(alone.reports)
    one, many = alone.report(), shared.report()
    counted = ("sessions", "planned_units", "sent_units", "received_units", "missing_units", "duplicate_units")
    assert [many["summary"][name] for name in counted] == [one["summary"][name] for name in counted]
    assert [line["index"] for line in many["sessions"]] == [line["index"] for line in one["sessions"]]
    assert many["environment"]["shards"] == "2"
    assert many["environment"]["cluster"] == two.address
    assert 0 < float(many["environment"]["clock_uncertainty_ms"]) <= 50
    assert many["config"]["stack"] == "embedded"
    assert many["gateway_samples"], "the leader looks at the gateway's process"
    sizes = [len(sessions_of(journal(shared.reports, f"baseline.shard-{number}.jsonl"))) for number in range(3)]
    assert sizes == [3, 2, 0], "two parts, and a leader that drives none"


def test_faults_of_sessions_and_of_the_gateway_are_carried_out_across_processes(two: Dask, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_suite.py").write_text(
        "import pytest\n\n"
        "@pytest.mark.mixed\n"
        "@pytest.mark.gateway_restart(at_s=3, down_s=1)\n"
        "@pytest.mark.cancel(percent=0.3)\n"
        "def test_row(checklist):\n"
        "    checklist('missing_units')\n"
    )
    load = ("--wdtts-sessions=10", "--wdtts-cps=20", "--wdtts-duration=8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--wdtts-cluster", two.address, *load],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    reports = tmp_path / "wdtts-report"
    assert blamed(reports, "mixed") == set(), done.stdout + done.stderr
    report = json.loads((reports / "mixed.json").read_text())
    assert report["injected_faults"]["gateway_restart"] == 1
    assert {"cancel", "slow_reader"} <= set(report["injected_faults"])
    for number in range(2):
        lines = journal(reports, f"mixed.shard-{number}.jsonl")
        events = [event for line in lines if line["line"] == "session" for event in line.get("events", [])]
        assert any(event[1:] == ["fault", "gateway"] for event in events)
        assert not any(event[1] == "failed" and "left for a new" not in event[2] for event in events)


def test_more_workers_than_sessions_drive_one_each(two: Dask, bench: Callable[..., Bench]) -> None:
    run = bench("few", "--concurrency", "1", "--cps", "20", "--duration", "2", "--cluster", two.address)
    _, said = run.end()
    assert blamed(run.reports) == set(), said
    assert run.report()["environment"]["shards"] == "1"
    assert run.report()["summary"]["sessions"] == 1


def test_a_worker_that_dies_makes_the_run_invalid_and_keeps_the_rest(
    dask: StartDask, bench: Callable[..., Bench]
) -> None:
    cluster = dask("stays")
    victim = cluster.start_worker("goes")
    cluster.await_workers("goes")
    run = bench("killed", "--concurrency", "6", "--cps", "20", "--duration", "8", "--cluster", cluster.address)
    await_load(run)
    victim.kill()
    code, said = run.end()
    assert code == INVALID
    assert "shard lost: " in said
    assert "of 2 (its worker died)" in said
    assert len(sessions_of(journal(run.reports, "baseline.jsonl"))) == 3, "the other's evidence is kept"
    assert journal(run.reports, "baseline.jsonl")[-1]["line"] == "end"


def test_all_workers_dead_is_said_in_words(dask: StartDask, bench: Callable[..., Bench]) -> None:
    cluster = dask()
    victim = cluster.start_worker("goes")
    cluster.await_workers("goes")
    run = bench("killed", "--concurrency", "2", "--cps", "20", "--duration", "5", "--cluster", cluster.address)
    await_load(run)
    victim.kill()
    code, said = run.end()
    assert code == INVALID
    assert "shard lost: none of the 1 workers left a journal (its worker died); run it again" in said


def test_a_scheduler_that_dies_in_mid_run_ends_it_in_time(dask: StartDask, bench: Callable[..., Bench]) -> None:
    cluster = dask("one")
    run = bench("headless", "--concurrency", "2", "--cps", "20", "--duration", "5", "--cluster", cluster.address)
    await_load(run)
    cluster.scheduler.kill()
    code, said = run.end()
    assert code == INVALID, said
    assert "shard lost" in said


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed outright", "interrupted"])
def test_a_leader_that_goes_takes_the_load_along(
    two: Dask, bench: Callable[..., Bench], number: signal.Signals
) -> None:
    """Seen at a gateway that outlives the leader: its connections end long before the plan does."""
    with gateway() as outside:
        url = outside.url
        run = bench(
            "gone", "--url", url, "--concurrency", "4", "--duration", "90", "--cps", "3", "--cluster", two.address
        )
        await_connections(outside, lambda now: now >= 4)
        run.process.send_signal(number)
        said, _ = run.process.communicate(timeout=ENDS_WITHIN_S)
        await_connections(outside, lambda now: now == 0)
    if number == signal.SIGINT:
        assert run.process.returncode == INTERRUPTED, said
        assert len(sessions_of(journal(run.reports, "baseline.jsonl"))) == 4, "what was measured came home"
        assert run.report()["stopped"] == "interrupted; our own failure: the leader was interrupted"
