"""What a cluster is refused for, in words and before any load: versions, clocks, hosts, nobody there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fake_gateways import nobody
from tests.services import gateway
from tests.shards.dask_processes import Dask
from tests.shards.judged import blamed, journal, sessions_of

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 120.0
USAGE, INVALID = 4, 3
DAY_S = 86400

WALL_CLOCK_AHEAD = """\
import time
real = time.time_ns
time.time_ns = lambda: real() + 3600 * 10**9
"""


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    (tmp_path / "dask").mkdir()
    dask = Dask(tmp_path / "dask")
    yield dask
    dask.close()


def bench(directory: Path, address: str, *arguments: str) -> tuple[int, str]:
    """`wdtts bench` on a cluster: its exit code and all that it said, which is words only."""
    load = ("--concurrency", "4", "--cps", "20", "--duration", "3", "--report", str(directory))
    done = subprocess.run(
        [sys.executable, "-m", "pytest_wdtts.cli", "bench", *load, "--cluster", address, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    with nobody() as url:
        address = url.replace("ws:", "tcp:").removesuffix("/tts")
        code, said = bench(tmp_path / "run", address)
    assert code == INVALID
    assert f"no Dask scheduler answers at {address}" in said
    assert "start one with `dask scheduler`, or leave --wdtts-cluster out" in said


def test_a_scheduler_without_workers_is_not_waited_for_forever(dask: Dask, tmp_path: Path) -> None:
    code, said = bench(tmp_path / "run", dask.address)
    assert code == INVALID
    assert f"the scheduler at {dask.address} has no workers: start one for each core" in said
    assert f"`dask worker {dask.address} --nthreads 1`" in said


@pytest.mark.parametrize(
    ("file", "ours", "theirs"),
    [
        ("__init__.py", '__version__ = "', '__version__ = "0'),
        ("record/result.py", 'SCHEMA = "wdtts.run/', 'SCHEMA = "wdtts.run/9'),
    ],
    ids=["version", "schema"],
)
def test_a_worker_of_another_version_is_refused(dask: Dask, tmp_path: Path, file: str, ours: str, theirs: str) -> None:
    other = tmp_path / "other"
    shutil.copytree(ROOT / "pytest_wdtts", other / "pytest_wdtts", ignore=shutil.ignore_patterns("__pycache__"))
    source = other / "pytest_wdtts" / file
    assert ours in source.read_text()
    source.write_text(source.read_text().replace(ours, theirs))
    dask.start_worker("old", environment={"PYTHONPATH": str(other)})
    dask.await_workers("old")
    code, said = bench(tmp_path / "run", dask.address)
    assert code == USAGE
    assert "has pytest-wdtts 0" in said
    assert "parts of two versions are not judged together; install the same on both" in said


def test_a_worker_without_the_package_is_told_what_to_install(dask: Dask, tmp_path: Path) -> None:
    (tmp_path / "bare" / "pytest_wdtts").mkdir(parents=True)
    (tmp_path / "bare" / "pytest_wdtts" / "__init__.py").write_text("__version__ = '0.0.1'\n")
    dask.start_worker("bare", environment={"PYTHONPATH": str(tmp_path / "bare")})
    dask.await_workers("bare")
    code, said = bench(tmp_path / "run", dask.address)
    assert code == USAGE
    assert "does not know this pytest-wdtts (" in said
    assert "install pytest-wdtts[cluster]==" in said


def test_a_worker_whose_wall_clock_is_wrong_is_refused(dask: Dask, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WALL_CLOCK_AHEAD)
    dask.start_worker("ahead", environment={"PYTHONPATH": str(tmp_path)})
    dask.await_workers("ahead")
    code, said = bench(tmp_path / "run", dask.address)
    assert code == INVALID
    assert "its wall clock is 3600.0 s ahead, 5 s is the limit: set both by NTP" in said


def test_a_worker_that_may_not_open_enough_files_says_so(dask: Dask, tmp_path: Path) -> None:
    dask.start_worker("poor", inside=["prlimit", "--nofile=256:256"])
    dask.await_workers("poor")
    code, said = bench(tmp_path / "run", dask.address, "--concurrency", "300")
    assert code == USAGE
    assert "300 sessions need 364 open files, the limit is 256" in said
    assert "worker tcp://127.0.0.1:" in said


# --- hosts: network namespaces of their own, and time namespaces whose clocks began at another time ---------------


@contextmanager
def host(name: str, number: int) -> Iterator[tuple[list[str], str, str]]:
    """A host at the other end of a wire: what runs a command there, its address, and ours at this end."""
    ours, theirs = f"10.231.{number}.1", f"10.231.{number}.2"
    wire = f"wdtts{number}"
    try:
        ip("netns", "add", name)
        ip("link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", f"{ours}/30", "dev", wire)
        ip("link", "set", wire, "up")
        for words in (
            ("addr", "add", f"{theirs}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", ours),
        ):
            ip("-n", name, *words)
        yield ["ip", "netns", "exec", name], theirs, ours
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", wire], capture_output=True, check=False)


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def namespaces_work() -> bool:
    """Whether we may make hosts of our own here."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        return False
    tried = subprocess.run(["unshare", "--net", "--time", "--fork", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.fixture
def two_hosts(tmp_path: Path) -> Iterator[Dask]:
    """Two workers, each on a host of its own; the monotonic clock of one began a day earlier than ours."""
    if not namespaces_work():
        pytest.skip("network and time namespaces need root and a kernel that has them")
    (tmp_path / "hosts").mkdir()
    with host("wdtts-one", 1) as (on_one, one, ours), host("wdtts-two", 2) as (on_two, two, _):
        dask = Dask(tmp_path / "hosts", host=ours)
        try:
            dask.start_worker("one", host=one, inside=on_one)
            older = ["unshare", "--time", "--monotonic", str(DAY_S), "--fork", "--kill-child"]
            dask.start_worker("two", host=two, inside=[*on_two, *older])
            dask.await_workers("one", "two")
            yield dask
        finally:
            dask.close()


def test_hosts_whose_clocks_began_a_day_apart_stand_on_one_time_axis(two_hosts: Dask, tmp_path: Path) -> None:
    ours = two_hosts.address.split("//")[1].split(":")[0]
    with gateway(WS_TTS_HOST=ours) as outside:
        code, said = bench(tmp_path / "run", two_hosts.address, "--url", outside.url)
    assert blamed(tmp_path / "run") == set(), said
    parts = [journal(tmp_path / "run", f"baseline.shard-{number}.jsonl") for number in range(2)]
    assert [len(sessions_of(part)) for part in parts] == [2, 2]
    begun = [part[0]["origin_unix_s"] for part in parts]
    assert abs(begun[0] - begun[1]) < 0.1, "both began at one time of the clock on the wall"
    opened = [event[0] for part in parts for line in part if "events" in line for event in line["events"]]
    assert max(opened) < DAY_S * 1e9 / 2, "and tell times from that origin"
    assert code in (0, INVALID), said


def test_a_loopback_url_is_refused_for_workers_on_other_hosts(two_hosts: Dask, tmp_path: Path) -> None:
    code, said = bench(tmp_path / "run", two_hosts.address)
    assert code == USAGE
    assert "is this machine's own loopback, and worker tcp://10.231.1.2:" in said
    assert "give that address with --wdtts-url" in said
    assert not list((tmp_path / "run").glob("*.jsonl")), "no load was sent"


def test_a_gateway_that_a_worker_cannot_reach_is_named_before_the_start(two_hosts: Dask, tmp_path: Path) -> None:
    """An address that means this machine to us and nothing to them: the far end of a wire that only we hold."""
    ip("addr", "add", "10.231.3.1/32", "dev", "lo")
    ip("-n", "wdtts-two", "route", "add", "unreachable", "10.231.3.1/32")
    try:
        with gateway(WS_TTS_HOST="10.231.3.1") as outside:
            code, said = bench(tmp_path / "run", two_hosts.address, "--url", outside.url)
    finally:
        ip("addr", "del", "10.231.3.1/32", "dev", "lo")
    assert code == USAGE
    assert "worker tcp://10.231.2.2:" in said
    assert "10.231.3.1" in said
