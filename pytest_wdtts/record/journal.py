"""The journal: evidence on disk before anything is judged, one JSON line for each piece of news."""

from pathlib import Path
from typing import BinaryIO

import msgspec

from ..errors import UsageError
from .result import SCHEMA, ContainerLine, GatewayFaultLine, LoopDelayLine, RunFooter, RunHeader, RunResult, SampleLine
from .session import SessionDelta, SessionRecord

Line = RunHeader | SessionDelta | SampleLine | ContainerLine | LoopDelayLine | GatewayFaultLine | RunFooter


class JournalWriter:
    """Appends lines; each `checkpoint` reaches the file, so a killed run loses what came since, and no more."""

    def __init__(self, path: Path, header: RunHeader) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._encoder = msgspec.json.Encoder()
        self._file: BinaryIO = path.open("wb")
        self.write(header)

    def write(self, line: Line) -> None:
        """Append one line."""
        self._file.write(self._encoder.encode(line) + b"\n")

    def checkpoint(self, result: RunResult, part: slice = slice(None)) -> None:
        """Append what every record gained, or a part of them, and push it to the file."""
        for record in (*result.sessions[part], *result.probes[part]):
            delta = record.take_delta()
            if delta:
                self.write(delta)
        self._file.flush()

    def close(self) -> None:
        """Close the file; the journal is complete if its last line is the footer."""
        self._file.close()


def read_journal(path: Path) -> RunResult:
    """Build the evidence again from a journal. Raises `UsageError` for a file that is none.

    A torn last line (the process was killed) is left out; everything before it counts.
    """
    decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"no journal at {path} ({error.strerror}): give the directory of a saved run") from None
    header = _header(lines[0], path)
    result = RunResult(header)
    by_id: dict[str, SessionRecord] = {}
    for number, raw in enumerate(lines[1:], start=2):
        if not raw:
            continue
        try:
            _apply(result, by_id, decoder.decode(raw))
        except (msgspec.DecodeError, ValueError) as error:
            if number == len(lines):
                break
            raise UsageError(f"{path}:{number} is damaged ({error}): the run cannot be judged again") from None
    return result


def _header(raw: bytes, path: Path) -> RunHeader:
    try:
        schema = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).get("schema")
        if schema is None or bytes(schema) != f'"{SCHEMA}"'.encode():
            seen = bytes(schema).decode() if schema is not None else "no schema"
            raise UsageError(
                f'{path} has {seen}, this version reads "{SCHEMA}": judge it with the version that wrote it'
            )
        return msgspec.json.decode(raw, type=RunHeader)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no journal of a run ({error}): expected a first line of {SCHEMA}") from None


def _apply(result: RunResult, by_id: dict[str, SessionRecord], line: Line) -> None:
    match line:
        case SessionDelta():
            if line.id not in by_id:
                if line.plan is None:
                    raise ValueError(f"session {line.id!r} was never opened")
                by_id[line.id] = SessionRecord(line.plan)
                result.add(by_id[line.id])
            by_id[line.id].apply(line)
        case SampleLine():
            result.samples.append(line.sample)
        case ContainerLine():
            result.container_samples.append(line.sample)
        case LoopDelayLine():
            result.loop_delays_ns += line.delays_ns
        case GatewayFaultLine():
            result.gateway_faults.append(line)
        case RunFooter():
            result.footer = line
            result.injected = line.injected
        case RunHeader():
            pass
