"""How often do the stability rows cry wolf, and what drift do they find? `python -m benchmarks.stability_calibration`.

Gateways are simulated, steady or drifting, over many seeds; every series goes through the very test that judges
a run. The table that it prints stands in docs/explanation/stability.md.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from scipy.stats import binomtest

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.load import LoadPlan, load_corpus, plan_sessions, shipped_names
from pytest_wdtts.protocol import chunk_ends
from pytest_wdtts.record.measures import Series
from pytest_wdtts.verdict import Limits
from pytest_wdtts.verdict.stability import assess

FULL = LoadPlan().checked()
SHORT = LoadPlan(sessions=10, cps=20.0, duration_s=10.0).checked()
FORMS = {"full": FULL, "short": SHORT}
UNITS_PER_CHUNK = 7
Floats = NDArray[np.float64]
Model = Callable[[Generator, Floats], Floats]
"""Service time in ms of chunks that were sent at these seconds."""


def lognormal(median_ms: float, sigma: float) -> Model:
    """Independent service times."""

    def model(rng: Generator, at_s: Floats) -> Floats:
        service_ms: Floats = median_ms * rng.lognormal(0.0, sigma, len(at_s))
        return service_ms

    return model


def wandering(median_ms: float, sigma: float, tau_s: float, sd: float) -> Model:
    """Service times whose level wanders about its mean and forgets where it was in `tau_s` seconds."""

    def model(rng: Generator, at_s: Floats) -> Floats:
        step_s = 0.05
        keep = np.exp(-step_s / tau_s)
        shocks = rng.normal(0.0, sd * np.sqrt(1 - keep**2), int(at_s.max(initial=0) / step_s) + 2)
        level = np.empty_like(shocks)
        level[0] = rng.normal(0.0, sd)
        for i in range(1, len(shocks)):
            level[i] = keep * level[i - 1] + shocks[i]
        wandered: Floats = lognormal(median_ms, sigma)(rng, at_s) * np.exp(level[(at_s / step_s).astype(int)])
        return wandered

    return model


def stalling(median_ms: float, every_s: float, stall_ms: float) -> Model:
    """Now and then the gateway stands still, and what is sent meanwhile waits for the end of the stall."""

    def model(rng: Generator, at_s: Floats) -> Floats:
        service_ms = lognormal(median_ms, 0.4)(rng, at_s)
        end_s = at_s.max(initial=0)
        for stall_s in rng.uniform(0, end_s, rng.poisson(end_s / every_s)):
            waits_ms = stall_ms - 1000 * (at_s - stall_s)
            service_ms += np.where((at_s >= stall_s) & (waits_ms > 0), waits_ms, 0)
        return service_ms

    return model


def drifting(model: Model, ms_per_s: float) -> Model:
    """The same gateway, slower by so much every second."""
    return lambda rng, at_s: model(rng, at_s) + ms_per_s * at_s


def jumping(model: Model, by_ms: float) -> Model:
    """The same gateway, slower by so much from the middle of its time on."""
    return lambda rng, at_s: model(rng, at_s) + by_ms * (at_s > np.median(at_s))


def starting(model: Model, ms_per_s: float) -> Model:
    """The same gateway, slower by so much every second from the middle of its time on."""
    return lambda rng, at_s: model(rng, at_s) + ms_per_s * np.maximum(0.0, at_s - np.median(at_s))


STEADY: dict[str, Model] = {
    "lognormal, median 5 ms": lognormal(5, 0.5),
    "lognormal, median 200 ms": lognormal(200, 0.5),
    "heavy tail, median 20 ms": lognormal(20, 1.0),
    "wandering 30 %, forgets in 1 s": wandering(200, 0.3, 1.0, 0.3),
    "wandering 30 %, forgets in 5 s": wandering(200, 0.3, 5.0, 0.3),
    "stalls of 300 ms every 5 s": stalling(5, 5.0, 300),
}


def series(at_s: Floats, value_ms: Floats) -> Series:
    """Times and values as the judges get them."""
    at_ns, value_ns = (at_s * NS_PER_S).astype(np.int64), (value_ms * NS_PER_MS).astype(np.int64)
    return Series(value_ns, at_ns, np.zeros(len(at_ns), dtype=np.int64))


def chunks(load: LoadPlan, model: Model, rng: Generator) -> Series:
    """Service times of a run's chunks, which come as a Poisson process."""
    rate_per_s = load.sessions * load.cps / UNITS_PER_CHUNK
    at_s = np.sort(rng.uniform(0, load.duration_s, rng.poisson(rate_per_s * load.duration_s)))
    return series(at_s, model(rng, at_s))


def probes(load: LoadPlan, model: Model, rng: Generator) -> Series:
    """TTFA of a run's probes."""
    at_s = np.arange(load.probe_interval_s / 2, load.duration_s, load.probe_interval_s)
    return series(at_s, model(rng, at_s))


def units(load: LoadPlan, corpus: str, model: Model, rng: Generator) -> Series:
    """UnitLatency of a run's units: the flush wait that this text and plan make, plus service time."""
    seed = int(rng.integers(2**31))
    plan = LoadPlan(sessions=load.sessions, cps=load.cps, duration_s=load.duration_s, seed=seed).checked()
    at_s, wait_ms = [], []
    for session in plan_sessions(plan, load_corpus(corpus), "r"):
        ends = np.array(chunk_ends(session.text))
        unit = np.arange(len(session.text))
        end_of = ends[np.searchsorted(ends, unit)]
        at_s.append((session.first_unit_ns + unit * session.interval_ns) / NS_PER_S)
        wait_ms.append((end_of - unit) * session.interval_ns / NS_PER_MS)
    order = np.argsort(np.concatenate(at_s), kind="stable")
    sent_s = np.concatenate(at_s)[order]
    return series(sent_s, np.concatenate(wait_ms)[order] + model(rng, sent_s))


@dataclass(frozen=True)
class Figure:
    """One line of the table: alarms among runs, with the interval that holds the true rate at 95 %."""

    row: str
    gateway: str
    form: str
    alarms: int
    runs: int

    @property
    def bounds(self) -> tuple[float, float]:
        """Clopper and Pearson's interval of the rate."""
        interval = binomtest(self.alarms, self.runs).proportion_ci()
        return float(interval.low), float(interval.high)


Draw = Callable[[Generator], Series]


def measure(row: str, gateway: str, form: str, draw: Draw, runs: int) -> Figure:
    """Judge `runs` simulated runs, with seeds 0 to runs - 1."""
    load, limits = FORMS[form], Limits()
    alarms = 0
    for seed in range(runs):
        found = assess(draw(default_rng([seed, len(gateway)])), load.steady_ns(), limits)
        assert found is not None, f"{row}, {gateway}, {form}: nothing to judge"
        alarms += found.rising or (found.tailed and row != "unit_latency_p99_stable")
    return Figure(row, gateway, form, alarms, runs)


def judged_chunks(load: LoadPlan, model: Model) -> Draw:
    """Draw a run's service times."""
    return lambda rng: chunks(load, model, rng)


def judged_probes(load: LoadPlan, model: Model) -> Draw:
    """Draw a run's TTFA."""
    return lambda rng: probes(load, model, rng)


def judged_units(load: LoadPlan, corpus: str, model: Model) -> Draw:
    """Draw a run's UnitLatency."""
    return lambda rng: units(load, corpus, model, rng)


def false_alarms(runs: int) -> Iterator[Figure]:
    """Steady gateways, every row: each alarm is a false one."""
    for form, load in FORMS.items():
        for name, model in STEADY.items():
            yield measure("service_time_p99_stable", name, form, judged_chunks(load, model), runs)
        for name, model in STEADY.items():
            yield measure("ttfa_p99_stable", name, form, judged_probes(load, model), runs)
        for corpus in shipped_names():
            yield measure("unit_latency_p99_stable", corpus, form, judged_units(load, corpus, lognormal(5, 0.5)), runs)


def power(runs: int) -> Iterator[Figure]:
    """Gateways that get slower, by 10 ms every second, all the time or from the middle on, or once by 200 ms."""
    for form, load in FORMS.items():
        for name in list(STEADY)[:2]:
            draw = judged_chunks(load, drifting(STEADY[name], 10.0))
            yield measure("service_time_p99_stable", f"{name} + 10 ms/s", form, draw, runs)
            draw = judged_chunks(load, starting(STEADY[name], 10.0))
            yield measure("service_time_p99_stable", f"{name} + 10 ms/s from the middle", form, draw, runs)
            draw = judged_chunks(load, jumping(STEADY[name], 200.0))
            yield measure("service_time_p99_stable", f"{name} + 200 ms at once", form, draw, runs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="simulated runs per line")
    runs = parser.parse_args().runs
    print("| row | gateway | form | alarms | rate | 95 % interval |\n|---|---|---|---|---|---|")
    for found in chain(false_alarms(runs), power(runs)):
        low, high = found.bounds
        print(
            f"| `{found.row}` | {found.gateway} | {found.form} | {found.alarms} of {found.runs} | "
            f"{found.alarms / found.runs:.1%} | {low:.1%} to {high:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
