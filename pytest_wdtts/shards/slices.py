"""Split a plan, unite what came of its parts. Pure but for the files: nothing is averaged, nothing counted twice."""

import re
from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from ..faults import FaultPlan
from ..record import ContainerLine, JournalWriter, LoopDelayLine, RunFooter, RunResult, SampleLine, SessionRecord
from ..run import RunPlan


def slice_plan(plan: RunPlan, number: int, of: int) -> RunPlan:
    """Return part `number` of `of`: every `of`-th session with its faults, and every `of`-th probe.

    Faults of the gateway itself are in all parts: whoever does not carry them out has to expect them. With fewer
    sessions than parts the last parts are empty, as is a part whose number is `of`.
    """
    of = min(of, len(plan.sessions)) if number < of else of

    def ours(index: int) -> bool:
        return index % of == number

    faults = tuple(fault for fault in plan.faults.faults if ours(fault.session))
    return replace(
        plan,
        sessions=[session for session in plan.sessions if ours(session.index)],
        probes=[probe for probe in plan.probes if ours(probe.index)],
        faults=FaultPlan(plan.faults.shares, faults, plan.faults.gateway),
    )


def part_path(directory: Path, scenario: str, number: int) -> Path:
    """Where part `number` of a run journals what it sees."""
    return directory / f"{scenario}.shard-{number}.jsonl"


def sound_path(directory: Path, scenario: str, number: int) -> Path:
    """Where part `number` leaves the sound that it kept, until the judge has heard what it wants to."""
    return part_path(directory, scenario, number).with_suffix(".sound")


def is_part(journal: Path) -> bool:
    """Whether a journal is that of a part, by its name: no run of its own."""
    return re.fullmatch(r".+\.shard-\d+\.jsonl", journal.name) is not None


def merge_results(
    parts: list[RunResult], lost: dict[int, str], of: int, facts: dict[str, str] | None = None
) -> RunResult:
    """Unite the parts' evidence; `lost` says by number which parts did not come to their end, and why.

    The header is the first one's, `facts` are added to what it says of the machine. All times are from one origin,
    so they stand side by side as they are. A run that lost a part is partial.
    """
    first = parts[0].header
    planned = [fault for part in parts for fault in part.header.planned_faults]
    merged = RunResult(
        replace(
            first,
            planned_faults=sorted(planned, key=_fault_order),
            environment=first.environment | {"shards": str(of)} | (facts or {}),
        )
    )
    for part in parts:
        for record in (*part.sessions, *part.probes):
            merged.add(record)
        merged.samples += part.samples
        merged.container_samples += part.container_samples
        merged.gateway_faults += part.gateway_faults
        if part.sessions:  # Who only leads carries no load: its delays are not the generator's.
            merged.loop_delays_ns += part.loop_delays_ns
    merged.sessions.sort(key=_plan_order)
    merged.probes.sort(key=_plan_order)
    merged.samples.sort(key=lambda sample: sample.at_ns)
    injected: Counter[str] = Counter()
    for part in parts:
        injected.update(part.injected)
    merged.injected = dict(injected)
    merged.footer = RunFooter(
        end_ns=max(part.end_ns for part in parts),
        stopped="; ".join(dict.fromkeys(_stops(parts, lost, of))),
        generator_cpu_s=sum(part.footer.generator_cpu_s for part in parts if part.footer),
        injected=merged.injected,
    )
    return merged


def write_merged(result: RunResult, path: Path) -> None:
    """Write the united evidence as one journal, so that a sharded run is judged again like any other."""
    journal = JournalWriter(path, result.header)
    journal.checkpoint(result)
    for sample in result.samples:
        journal.write(SampleLine(sample))
    for seen in result.container_samples:
        journal.write(ContainerLine(seen))
    for broken in result.gateway_faults:
        journal.write(broken)
    journal.write(LoopDelayLine(result.end_ns, result.loop_delays_ns))
    if result.footer:
        journal.write(result.footer)
    journal.close()


def _stops(parts: list[RunResult], lost: dict[int, str], of: int) -> list[str]:
    words = [f"shard lost: {number} of {of} ({why})" for number, why in sorted(lost.items())]
    return words + [part.footer.stopped for part in parts if part.footer and part.footer.stopped]


def _plan_order(record: SessionRecord) -> tuple[int, int, str]:
    return record.plan.index, record.plan.open_ns if record.plan.replaces else -1, record.plan.session_id


def _fault_order(fault: dict[str, object]) -> tuple[int, int]:
    return int(str(fault.get("at_ns", 0))), int(str(fault.get("session", -1)))
