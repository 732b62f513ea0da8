"""`make proof-diagnoses`: quick diagnoses with one cause switched on at a time; the table cause x diagnosis.

Confidence is what comes of it: each level's error rate is published, and printed with every diagnosis. A diagnosis
that blames our own machine is taken again, as its own advice says; how often is published too.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pytest_wdtts.attribution import Cause, Confidence, calibrated
from pytest_wdtts.attribution.calibrated import ErrorRate
from pytest_wdtts.diagnose import Concluded, DiagnosisOrder, carry_out_diagnosis, conclude_diagnosis
from pytest_wdtts.errors import WdttsError
from pytest_wdtts.gate import Order

from .conditions import CONDITIONS, Condition, arranged
from .matrix import FOLDER
from .trial import TRIES

RUNS = 10
LEARNT_FROM = 6
"""The rules were set on trials with seeds up to this; error rates are those of the seeds above."""
MENDED_AFTER = 10
"""Trials with seeds above this were made after rules had been mended; what the others saw is not kept."""
AT_ONCE = 5
RIGHT_SHARE = 0.95
FILE = "diagnoses.json"
SHIPPED = Path(calibrated.__file__).with_name(calibrated.FILE)


class DiagnosisTrial(Struct, frozen=True, kw_only=True):
    """One diagnosis of one condition; `strengths` by cause, `tries` how often our machine made it begin again."""

    condition: str
    truth: Cause
    seed: int
    cause: Cause | None = None
    confidence: Confidence | None = None
    strengths: dict[str, float] = {}
    took_s: float = 0.0
    tries: int = 1
    trouble: str = ""

    @property
    def right(self) -> bool:
        """Whether it said what was switched on."""
        return self.cause is self.truth


def try_condition(condition: Condition, seed: int, evidence: Path) -> DiagnosisTrial:
    """Diagnose once; again where our own machine is blamed for what it did not do on purpose."""
    trial = DiagnosisTrial(condition=condition.name, truth=condition.truth, seed=seed)
    for tries in range(1, TRIES + 1):
        trial = try_once(trial, condition, evidence / f"{CONDITIONS.index(condition)}-{seed}", tries)
        if trial.right or trial.cause is not Cause.GENERATOR:
            break
    return trial


def try_once(trial: DiagnosisTrial, condition: Condition, directory: Path, tries: int) -> DiagnosisTrial:
    """Diagnose once; the evidence stays in the directory."""
    try:
        with arranged(condition) as url:
            defects = () if url else condition.defects
            order = Order(scenario="diagnosis", url=url, defects=defects, report_dir=str(directory))
            done = carry_out_diagnosis(DiagnosisOrder(order=order, seed=trial.seed, quick=True))
    except WdttsError as error:
        return replace(trial, tries=tries, trouble=str(error))
    return concluded(replace(trial, tries=tries), done)


def try_again(trial: DiagnosisTrial, evidence: Path) -> DiagnosisTrial:
    """Judge the evidence of an earlier trial anew."""
    number = next(number for number, one in enumerate(CONDITIONS) if one.name == trial.condition)
    return concluded(trial, conclude_diagnosis(evidence / f"{number}-{trial.seed}"))


def concluded(trial: DiagnosisTrial, done: Concluded) -> DiagnosisTrial:
    """A trial with what was concluded."""
    return replace(
        trial,
        cause=done.diagnosis.cause,
        confidence=done.diagnosis.confidence,
        strengths={finding.cause.value: round(finding.strength, 2) for finding in done.diagnosis.findings},
        took_s=done.end.took_s,
    )


def try_all(wanted: Iterable[tuple[Condition, int]], evidence: Path, limit_s: float) -> Iterator[DiagnosisTrial]:
    """Try them, a few at once, each in a process of its own; after `limit_s` begin no more."""
    until_s = time.monotonic() + limit_s
    queue = list(wanted)[::-1]
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        running: set[Future[DiagnosisTrial]] = set()
        while queue or running:
            while queue and len(running) < AT_ONCE and time.monotonic() < until_s:
                running.add(pool.submit(try_condition, *queue.pop(), evidence))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)


def error_rates(trials: Iterable[DiagnosisTrial]) -> dict[Confidence, ErrorRate]:
    """How often each level of confidence was wrong, in trials that no rule was set on."""
    fresh = [trial for trial in trials if trial.seed > LEARNT_FROM]
    runs = Counter(trial.confidence for trial in fresh)
    wrong = Counter(trial.confidence for trial in fresh if not trial.right)
    return {level: ErrorRate(wrong[level], runs[level]) for level in Confidence if runs[level]}


def kept(trials: list[DiagnosisTrial]) -> bool:
    """Whether the promise was kept: nearly all right, none wrong that was sure of itself."""
    right = sum(trial.right for trial in trials)
    sure = [trial for trial in trials if not trial.right and trial.confidence is Confidence.HIGH]
    return bool(trials) and right >= RIGHT_SHARE * len(trials) and not sure


def markdown(trials: list[DiagnosisTrial]) -> str:
    """The table for people."""
    right = sum(trial.right for trial in trials)
    again = sum(trial.tries - 1 for trial in trials)
    said = [cause for cause in Cause if any(trial.cause is cause for trial in trials)]
    fresh = [trial for trial in trials if trial.seed > LEARNT_FROM]
    since = [trial for trial in trials if trial.seed > MENDED_AFTER]
    longest_s = max(trial.took_s for trial in trials)
    lines = [
        "# Diagnoses",
        "",
        "Written by `make proof-diagnoses`: quick diagnoses (`wdtts diagnose --quick`) with one cause switched on at a "
        f"time, up to {AT_ONCE} at once, each with a seed of its own: **{right} of {len(trials)} right**. "
        f"The rules were set on seeds 1 to {LEARNT_FROM}, whose steps were judged again by them; of the other "
        f"{len(fresh)}, {sum(trial.right for trial in fresh)} are right. "
        f"Since the rules were mended after seed {MENDED_AFTER}, {sum(trial.right for trial in since)} of "
        f"{len(since)} are right. "
        f"{again} were taken again because our own machine was too slow. The longest took {longest_s:.0f} s.",
        "",
        f"| switched on | {' | '.join(f'`{cause.value}`' for cause in said)} | right |",
        "|---" * (len(said) + 2) + "|",
    ]
    for condition in CONDITIONS:
        some = [trial for trial in trials if trial.condition == condition.name]
        counts = [str(sum(trial.cause is cause for trial in some) or ".") for cause in said]
        lines.append(
            f"| {condition.name} | {' | '.join(counts)} | {sum(trial.right for trial in some)} of {len(some)} |"
        )
    lines += ["", f"Seeds above {LEARNT_FROM} by confidence:", "", "| confidence | runs | wrong |", "|---|---|---|"]
    lines += [f"| {level.value} | {rate.runs} | {rate.wrong} |" for level, rate in error_rates(trials).items()]
    wrong = [trial for trial in trials if not trial.right]
    if wrong:
        lines += ["", "Wrong:", ""]
        lines += [
            f"- {t.condition}, seed {t.seed}: {t.cause.value if t.cause else t.trouble} "
            f"({t.confidence.value if t.confidence else 'no diagnosis'})"
            for t in wrong
        ]
    return "\n".join(lines) + "\n"


def read_trials() -> list[DiagnosisTrial]:
    """Return what was tried before."""
    file = FOLDER / FILE
    return msgspec.json.decode(file.read_bytes(), type=list[DiagnosisTrial]) if file.exists() else []


def publish(trials: list[DiagnosisTrial]) -> None:
    """Write table and trials, and the error rates that are shipped."""
    place = {condition.name: number for number, condition in enumerate(CONDITIONS)}
    trials = sorted(trials, key=lambda trial: (place[trial.condition], trial.seed))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(trials), indent=1) + b"\n")
    (FOLDER / "diagnoses.md").write_text(markdown(trials), encoding="utf-8")
    SHIPPED.write_bytes(msgspec.json.format(msgspec.json.encode(error_rates(trials)), indent=1) + b"\n")


def main() -> int:
    """Go on where the published table ends; 0 where the promise was kept, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each condition (default {RUNS})")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no more after so long; call again to go on")
    parser.add_argument("--anew", action="store_true", help="forget what was published")
    parser.add_argument("--evidence", type=Path, help="keep all steps here")
    parser.add_argument("--again", action="store_true", help="judge the steps kept in --evidence anew; run nothing")
    chosen = parser.parse_args()
    trials = [] if chosen.anew else read_trials()
    if chosen.again:
        publish([try_again(trial, chosen.evidence) for trial in trials])
        return int(not kept(read_trials()))
    done = {(trial.condition, trial.seed) for trial in trials}
    wanted = [(c, seed) for seed in range(1, chosen.runs + 1) for c in CONDITIONS if (c.name, seed) not in done]
    with tempfile.TemporaryDirectory(prefix="wdtts-proof-") as temporary:
        for trial in try_all(wanted, chosen.evidence or Path(temporary), chosen.minutes * 60):
            sys.stderr.write(f"{'right' if trial.right else 'WRONG'} {trial}\n")
            trials.append(trial)
            publish(trials)
    sys.stdout.write(f"{sum(trial.right for trial in trials)} of {len(trials)} right\n")
    return int(not kept(trials))


if __name__ == "__main__":
    sys.exit(main())
