"""The product's generator as a client of a benchmark: everything on, journal and checks included."""

import asyncio
import os
import tempfile
from pathlib import Path

from pytest_wdtts.faults import FaultPlan
from pytest_wdtts.gate.outcome import conclude
from pytest_wdtts.load import load_corpus
from pytest_wdtts.record.histogram import histogram, percentiles_ms
from pytest_wdtts.record.measures import Measures
from pytest_wdtts.run import Run, RunPlan
from pytest_wdtts.stack import ExternalStack
from pytest_wdtts.transport import choose_transport

from .load import BenchLoad, ClientCost, Meter, cpu_s, read_load, read_plan, report


def drive(load: BenchLoad, directory: Path) -> ClientCost:
    """Run the load against a gateway that is up, then judge what was seen."""
    plan = RunPlan(
        scenario="baseline",
        run_id=f"bench{os.getpid():x}",
        load=load.plan(),
        corpus=load_corpus(load.corpus),
        sessions=read_plan(load),
        probes=[],
        faults=FaultPlan(),
    )
    transport = choose_transport(load.transport)
    stack = ExternalStack(load.url)
    gateway = stack.start()

    async def execute() -> tuple[Run, float, float]:
        meter = Meter()
        run = Run(plan, gateway, stack, transport, directory / "baseline.jsonl")
        await run.execute()
        return run, meter.cpu_s(), meter.memory_mb()

    with asyncio.Runner(loop_factory=transport.new_event_loop) as runner:
        run, spent_s, memory_mb = runner.run(execute())
    before_s = cpu_s()
    rows = conclude(run.result, directory).report.rows if load.judged else ()
    judging_s = cpu_s() - before_s
    measures = Measures.of(run.result.sessions)
    return ClientCost(
        cpu_s=spent_s,
        units_sent=sum(len(record.sent_ns) for record in run.result.sessions),
        chunks_received=sum(len(record.received_ns) for record in run.result.sessions),
        lateness_p99_ms=percentiles_ms(histogram(measures.send_lateness.value_ns))["p99"],
        service_time_p99_ms=percentiles_ms(histogram(measures.service_time.value_ns))["p99"],
        memory_mb=memory_mb,
        rows={row.id: row.verdict.value for row in rows},
        judging_cpu_s=judging_s,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        load = read_load()
        report(load, drive(load, Path(made)))
