"""The row about what the gateway holds, where its process can be seen: memory, and audio that nobody takes."""

from ..faults import Disconnect, SlowReader
from ..record import GatewaySample
from .case import Case
from .row import Evidence, Row, Verdict, evidence, judged

MIB = 1024 * 1024
FEWEST_SAMPLES = 3


def gateway_resources(case: Case) -> Row:
    """The gateway's memory grows by no more than its audio explains, and what it keeps unsent is bounded."""
    limits, samples = case.limits, case.result.samples
    sent_mib = sum(sum(record.pcm_bytes) for record in case.records) / MIB
    memory_mib = limits.memory_floor_mib + limits.memory_audio_factor * sent_mib
    # Audio waits for who reads slowly or was cut off; where the plan has none of these, or broke the gateway, for all.
    slow = {fault.session for fault in case.faults if isinstance(fault, SlowReader | Disconnect)}
    waited_for = len(slow) if slow and not case.result.gateway_faults else case.header.load.sessions
    # A bound is looked at before a chunk is made, so that one more waits beyond it.
    chunk_mib = max((max(record.pcm_bytes, default=0) for record in case.records), default=0) / MIB
    unsent_mib = (limits.unsent_mib_per_session + chunk_mib) * waited_for
    limit = f"memory grows by at most {memory_mib:.0f} MiB; at most {unsent_mib:.0f} MiB wait unsent"
    if len(samples) < FEWEST_SAMPLES:
        return Row("gateway_resources", Verdict.NOT_ASSESSABLE, "the gateway's process cannot be seen", limit)
    if any(sample.sockets < 0 for sample in samples):
        # Of a page we know neither how many processes it speaks for nor what is normal for them.
        return Row("gateway_resources", Verdict.NOT_ASSESSABLE, "known from a metrics page alone: no evidence", limit)
    grown_mib = (samples[-1].rss_bytes - samples[0].rss_bytes) / MIB
    most = max(samples, key=lambda sample: sample.unsent_bytes)
    found = []
    if grown_mib > memory_mib:
        found.append(_seen(samples[-1], f"memory grew by {grown_mib:.0f} MiB while {sent_mib:.0f} MiB were sent"))
    if most.unsent_bytes > unsent_mib * MIB:
        found.append(_seen(most, f"{most.unsent_bytes / MIB:.1f} MiB of audio wait for readers"))
    waiting = f", at most {most.unsent_bytes / MIB:.1f} MiB unsent" if most.unsent_bytes >= 0 else ""
    return judged("gateway_resources", found, f"memory {grown_mib:+.0f} MiB{waiting}", limit)


def _seen(sample: GatewaySample, what: str) -> Evidence:
    return evidence("", sample.at_ns, what)
