"""`wdtts session DIR ID`: the timeline of one session of a saved run, readable."""

import argparse
import sys
from typing import TYPE_CHECKING

from .judge import find_journals

if TYPE_CHECKING:
    from ..record import SessionRecord


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("session", help="print the timeline of one session", description=__doc__)
    parser.add_argument("directory", help="report directory of the run, or its journal (.jsonl)")
    parser.add_argument("id", help="session id, or the end of it")
    parser.set_defaults(run=show_session)


def show_session(chosen: argparse.Namespace) -> int:
    """Print every session whose id ends so. Raises `UsageError` where there is none."""
    from ..errors import UsageError
    from ..record import read_journal

    shown = 0
    for path in find_journals(chosen.directory):
        result = read_journal(path)
        for record in (*result.sessions, *result.probes):
            if record.plan.session_id.endswith(chosen.id):
                sys.stdout.write("\n".join(timeline(record)) + "\n")
                shown += 1
    if not shown:
        raise UsageError(f"no session whose id ends in {chosen.id!r} in {chosen.directory}")
    return 0


def timeline(record: "SessionRecord") -> list[str]:
    """Everything that happened in a session, in order of time: one line each, units of one chunk together."""
    from ..record import ChunkFlag

    plan = record.plan
    lines = [f"session {plan.session_id}: {len(plan.text)} units planned, {len(record.sent_ns)} sent"]
    moments: list[tuple[int, str]] = [
        (event.at_ns, f"{event.kind.value}{': ' if event.detail else ''}{event.detail}") for event in record.events
    ]
    heard: set[int] = set()
    for number, at_ns in enumerate(record.received_ns):
        start, end = record.chunk_start[number], record.chunk_end[number]
        text = record.wrong_text.get(number, plan.text[max(start, 0) : end + 1])
        served = (
            f", {(at_ns - record.sent_ns[end]) / 1e6:.1f} ms after its last unit"
            if 0 <= end < len(record.sent_ns)
            else ""
        )
        flags = ChunkFlag(record.flags[number] & ~ChunkFlag.TONE_READ)
        wrong = f"  [{flags.name}]" if flags else ""
        span = range(max(start, 0), min(end + 1, len(plan.text)))
        before = len(heard.intersection(span))
        heard.update(span)
        wrong += f"  [{before} of them came before]" if before else ""
        what = (
            f"audio_chunk {record.chunk_seq[number]}: units {start}..{end} {text!r}, {record.pcm_bytes[number]} bytes"
        )
        moments.append((at_ns, f"{what}{served}{wrong}"))
    if record.sent_ns:
        moments.append((record.sent_ns[0], "unit 0 sent"))
        moments.append((record.sent_ns[-1], f"unit {len(record.sent_ns) - 1} sent"))
    return lines + [f"  {at_ns / 1e9:10.4f} s  {what}" for at_ns, what in sorted(moments)]
