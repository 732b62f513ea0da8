"""`DIR/<scenario>.<session>.wav`: the sound of the sessions that failing rows name, as it came."""

import glob
import wave
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ..record import RunResult
from ..verdict import Verdict
from .model import Report

MOST_SESSIONS = 5


def write_wavs(report: Report, result: RunResult, directory: Path) -> Iterator[Path]:
    """Write the first few failing sessions' audio, in place of earlier runs'; yields each path. Raises `OSError`."""
    load = result.header.load
    for old in directory.glob(f"{glob.escape(report.scenario)}.wdtts-*.wav"):
        if f".wdtts-{result.header.run_id}-" not in old.name:
            old.unlink()
    heard = ((session_id, pcm) for session_id in failing_sessions(report) if (pcm := result.shelf.sound(session_id)))
    for session_id, pcm in islice(heard, MOST_SESSIONS):
        path = directory / f"{report.scenario}.{session_id}.wav"
        try:
            with wave.open(str(path), "wb") as file:
                file.setnchannels(load.channels)
                file.setsampwidth(2)
                file.setframerate(load.sample_rate)
                file.writeframes(pcm)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        yield path


def failing_sessions(report: Report) -> list[str]:
    """Ids that the evidence of failing rows names, each once, in order."""
    named = [piece.session for row in report.rows if row.verdict is Verdict.FAIL for piece in row.evidence]
    return [session_id for session_id in dict.fromkeys(named) if session_id]
