"""The workers of a Dask scheduler before the start: who is there, whether they fit, and what their clocks say."""

import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from distributed import Client

from .. import __version__
from ..errors import OwnFailure, UsageError
from ..record import SCHEMA
from ..stack import Gateway
from . import at_worker
from .clocks import Offset, RoundTrip

CONNECT_LIMIT_S = 10.0
WORKERS_LIMIT_S = 10.0
"""How long we wait for the first worker; whoever comes later has no part in the run."""
ANSWER_LIMIT_S = 30.0
ROUND_TRIPS = 20

TryGateway = Callable[[Gateway, str, int], str]
"""Returns in words why a worker cannot drive so many sessions against a gateway by a transport; "" if it can."""


class DaskWorkers:
    """At most `most` workers, numbered in the order of their addresses.

    Raises `OwnFailure` where there is no scheduler, no worker, or a clock that cannot be told; `UsageError` for a
    worker of another version.
    """

    def __init__(self, scheduler: str, most: int) -> None:
        self.scheduler = scheduler
        self.client = _connect(scheduler)
        try:
            self.addresses = _await_workers(self.client, scheduler)[:most]
            self.introductions = self._meet()
            self.offsets = self.measure(range(len(self.addresses)))
            self._check_clocks()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the scheduler; what we left there goes."""
        self.client.close(timeout=CONNECT_LIMIT_S)

    def named(self, number: int) -> str:
        """Name a worker in a message."""
        return f"worker {self.addresses[number]}"

    def present(self) -> set[int]:
        """Which workers the scheduler still has; none where the scheduler itself is gone."""
        try:
            there = self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER_LIMIT_S)  # type: ignore[union-attr]
        except Exception:
            return set()
        return {number for number, address in enumerate(self.addresses) if address in there}

    def measure(self, numbers: Iterable[int]) -> dict[int, Offset]:
        """Measure workers' clocks against ours."""
        return {number: Offset.measured(self._round_trips(self.addresses[number])) for number in numbers}

    def try_gateway(self, try_gateway: TryGateway, gateway: Gateway, transport: str, sessions: int) -> None:
        """Make sure that every worker reaches this very gateway and can drive its share. Raises `UsageError`."""
        if _is_loopback(gateway.url):
            self._refuse_other_hosts(gateway)
        share = -(-sessions // len(self.addresses))
        tries = [
            self.client.submit(try_gateway, gateway, transport, share, workers=[address], pure=False, priority=1)
            for address in self.addresses
        ]
        for number, tried in enumerate(tries):
            try:
                trouble = tried.result(timeout=ANSWER_LIMIT_S)
            except Exception as error:
                trouble = f"no answer within {ANSWER_LIMIT_S:g} s ({error!r}): is it at other work?"
            if trouble:
                raise UsageError(f"{self.named(number)}: {trouble}")

    def _refuse_other_hosts(self, gateway: Gateway) -> None:
        here = at_worker.loopback()
        for number, introduction in enumerate(self.introductions):
            if introduction["loopback"] != here:
                raise UsageError(
                    f"{gateway.url} is this machine's own loopback, and {self.named(number)} is on another host: "
                    "start the gateway where all workers reach it, and give that address with --wdtts-url"
                )

    def _meet(self) -> list[dict[str, str]]:
        answers = self.client.run(at_worker.introduce, workers=self.addresses, on_error="return")
        for number, address in enumerate(self.addresses):
            answer = answers.get(address)
            if not isinstance(answer, dict):
                raise UsageError(
                    f"{self.named(number)} does not know this pytest-wdtts ({answer!r}): "
                    f"install pytest-wdtts[cluster]=={__version__} there"
                )
            if (answer["pytest_wdtts"], answer["schema"]) != (__version__, SCHEMA):
                raise UsageError(
                    f"{self.named(number)} has pytest-wdtts {answer['pytest_wdtts']} ({answer['schema']}), here is "
                    f"{__version__} ({SCHEMA}): parts of two versions are not judged together; install the same on both"
                )
        return [answers[address] for address in self.addresses]

    def _check_clocks(self) -> None:
        for number, offset in self.offsets.items():
            if trouble := offset.trouble():
                raise OwnFailure(f"{self.named(number)}: {trouble}")

    def _round_trips(self, address: str) -> list[RoundTrip]:
        trips = []
        for _ in range(ROUND_TRIPS):
            asked_ns = time.monotonic_ns()
            theirs_ns, their_wall_ns = self.client.run(at_worker.read_clocks, workers=[address])[address]
            trips.append(RoundTrip(asked_ns, time.monotonic_ns(), time.time_ns(), theirs_ns, their_wall_ns))
        return trips


def _connect(scheduler: str) -> Client:
    try:
        return Client(scheduler, timeout=CONNECT_LIMIT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OwnFailure(
            f"no Dask scheduler answers at {scheduler} ({error}): start one with `dask scheduler`, or leave "
            "--wdtts-cluster out"
        ) from None


def _await_workers(client: Client, scheduler: str) -> list[str]:
    try:
        client.wait_for_workers(1, timeout=WORKERS_LIMIT_S)
    except TimeoutError:
        raise OwnFailure(
            f"the scheduler at {scheduler} has no workers: start one for each core, with "
            f"`dask worker {scheduler} --nthreads 1`"
        ) from None
    return sorted(client.nthreads())


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
