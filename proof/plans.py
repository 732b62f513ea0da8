"""`make proof-plans`: random fault plans against healthy gateways; each red row is a false alarm.

A scenario keeps its faults apart. Here they meet, in one session and in one moment: a cancel of a slow reader that was
cut and whose gateway is restarted. A saved run that is judged to other rows counts as red, too.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from pytest_wdtts.errors import UsageError
from pytest_wdtts.faults.kinds import HOWS, MOMENTS
from pytest_wdtts.gate import Order, carry_out
from pytest_wdtts.load.corpus import shipped_names
from pytest_wdtts.record import read_journal
from pytest_wdtts.verdict import judge

from .clean import STATISTICAL, try_beside_load
from .trial import Trial

MOST_UNITS_PER_S = 400
MOST_AUDIO_S_PER_S = 80
"""What two runs at once can be served of on one core: a gateway without CPU is no healthy one."""
BREAKS = ("gateway_restart", "gateway_drain", "gateway_pause", "gateway_logs")


class Plan(Struct, frozen=True):
    """One run, and the settings of a gateway that is healthy in an unusual way."""

    seed: int
    order: Order
    settings: dict[str, str]


def draw(seed: int) -> Plan:
    """The plan of this number. Now and then it is one that cannot be, and has to be refused."""
    random = Random(f"plans/{seed}")
    duration_s = round(random.uniform(5, 15), 1)
    sessions = random.randint(4, 30)
    cps = min(random.choice((2.0, 5.0, 10.0, 20.0, 40.0)), MOST_UNITS_PER_S / sessions)
    load: dict[str, object] = {
        "sessions": sessions,
        "cps": cps,
        "duration_s": duration_s,
        "seed": seed,
        "corpus": random.choice(shipped_names()),
        "loop": True,
        "ramp_s": random.choice((-1.0, 0.0, 4.0)),
        "warmup_s": random.choice((-1.0, 0.0, 3.0)),
        "probe_interval_s": random.choice((-1.0, 0.0, 0.2, 2.0)),
        "channels": (channels := random.choice((1, 1, 1, 2))),
    }
    shares = _of_sessions(random, duration_s) | _of_the_gateway(random, duration_s)
    order = Order(
        scenario=random.choice(("baseline", "mixed", "mixed", "heavy", "plan")),
        load=load,
        shares=dict(random.sample(list(shares.items()), len(shares))),
        stack="embedded",
        transport=random.choice(("picows", "websockets")),
    )
    unit_audio_ms = max(40, min(1000, int(MOST_AUDIO_S_PER_S * 1000 / (sessions * cps * channels)) // 40 * 40))
    every = {
        "WS_TTS_UNIT_AUDIO_MS": random.choice(("40", str(unit_audio_ms))),
        "WS_TTS_CACHE_CHUNKS": random.choice(("0", "1", "3")),
        "WS_TTS_UNSENT_CHUNKS": random.choice(("1", "4")),
        "WS_TTS_STALL_S": random.choice(("0.5", "8")),
        "WS_TTS_TTL_S": random.choice(("0.5", "2")),
        "WS_TTS_DRAIN_GRACE_S": random.choice(("0", "1")),
    }
    return Plan(seed, order, {name: value for name, value in every.items() if random.random() < 0.25})


def _of_sessions(random: Random, duration_s: float) -> dict[str, dict[str, object]]:
    """Shares that are so large that they overlap, as long as there can be."""

    def percent() -> float:
        return random.choice((0.0, 0.2, 0.5, 1.0))

    def fitting(length_s: float, times: int) -> float:
        return round(min(length_s, duration_s / times - 0.1), 2)

    times, waves = random.choice((1, 1, 2, 3)), random.choice((1, 2, 3))
    return {
        "disconnect": {
            "percent": percent(),
            "reconnect_delay_s": fitting(random.choice((0.0, 0.3, 1.0, 5.0)), times),
            "how": random.choice(("any", *HOWS)),
            "moment": random.choice(("any", *MOMENTS)),
            "times": times,
            "resume_percent": random.choice((0.0, 0.5, 1.0)),
        },
        "cancel": {"percent": percent(), "moment": random.choice(("any", *MOMENTS))},
        "slow_reader": {
            "percent": percent(),
            "pause_s": fitting(random.choice((0.2, 2.0, 5.0, 12.0)), max(times, waves)),
            "times": times,
            "waves": waves,
            "read_bytes_per_s": random.choice((0, 0, 200, 20_000)),
            "receive_buffer_bytes": random.choice((4096, 8192, 65_536)),
        },
    }


def _of_the_gateway(random: Random, duration_s: float) -> dict[str, dict[str, object]]:
    """Some breaks, in any order, most of them close upon each other; from the very beginning to the very end."""
    chosen = random.sample(BREAKS, random.randint(0, len(BREAKS)))
    lengths_s = [random.choice((0.0, 0.5, 2.0, 6.0)) for _ in chosen]
    begin_s = random.choice((0.0, random.uniform(0, duration_s / 2)))
    shares: dict[str, dict[str, object]] = {}
    for name, length_s in zip(chosen, lengths_s, strict=True):
        if begin_s + length_s < duration_s:
            shares[name] = {"at_s": round(begin_s, 2), "down_s": length_s}
        begin_s += length_s + random.choice((0.02, 0.02, 1.0, -0.1))
    return shares


def try_plan(plan: Plan) -> Trial:
    """Carry a plan out, in a process of its own; `trouble` says why there was no run, or none to rely on."""
    os.environ.update(plan.settings)
    seen = Trial(f"seed {plan.seed}", "", plan.order.scenario)
    with tempfile.TemporaryDirectory(prefix="wdtts-plans-") as directory:
        try:
            rows = carry_out(replace(plan.order, report_dir=directory)).report.rows
        except UsageError as error:
            return replace(seen, trouble=f"refused: {error}")
        except Exception as error:  # Whatever ends a run without a verdict, it is what is looked for here.
            return replace(seen, verdicts={"run": "fail"}, observed={"run": f"no verdict: {error!r}"})
        again = judge(read_journal(Path(directory, f"{plan.order.scenario}.jsonl")))
    verdicts = {row.id: row.verdict.value for row in rows}
    observed = {row.id: row.observed for row in rows}
    if [(row.id, row.verdict, row.observed) for row in again] != [(r.id, r.verdict, r.observed) for r in rows]:
        verdicts["judged_again"], observed["judged_again"] = "fail", "other rows than in the run"
    return replace(seen, verdicts=verdicts, observed=observed)


def main() -> int:
    """Say what was red, and of which seed; 0 where nothing was, but for what is statistical."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=1, help="seed of the first plan; with --runs 1 it is tried again")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after this time")
    asked = parser.parse_args()
    counts: Counter[str] = Counter()
    for trial in try_beside_load(try_plan, map(draw, range(asked.first, asked.first + asked.runs)), asked.minutes):
        red = trial.red - STATISTICAL
        counts["refused" if trial.trouble else "red" if red else "valid" if trial.valid else "invalid"] += 1
        for row in sorted(trial.red):
            sys.stdout.write(f"{trial.defect} ({trial.scenario}) {row}: {trial.observed[row]}\n")
    sys.stdout.write(f"{counts.total()} plans: {', '.join(f'{n} {what}' for what, n in sorted(counts.items()))}\n")
    return int(counts["red"] > 0)


if __name__ == "__main__":
    sys.exit(main())
