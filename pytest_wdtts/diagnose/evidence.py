"""The evidence of a diagnosis on disk, before anything is judged: an index, and a journal for each step."""

from pathlib import Path

import msgspec
from msgspec import Struct

from ..attribution import Look, Seen, Step, observe, read_objective
from ..errors import OwnFailure, UsageError
from ..gate.outcome import make_directory
from ..record import read_journal
from ..verdict.case import Case

SCHEMA = "wdtts.diagnosis-steps/1"
FOLDER = "diagnosis"
INDEX = "index.ndjson"
"""No `.jsonl`: whoever looks for journals in a folder of a diagnosis finds those of its steps alone."""


class Head(Struct, frozen=True, kw_only=True, tag="diagnosis", tag_field="line"):
    """What was asked, and of whom."""

    schema: str = SCHEMA
    objective: str
    seed: int
    url: str
    stack: str
    gateway: dict[str, object] = {}
    environment: dict[str, str] = {}


class StepLine(Struct, frozen=True, tag="step", tag_field="line"):
    """A step, the idle gateway before it, and the name of its journal."""

    step: Step
    before: Look
    journal: str


class EndLine(Struct, frozen=True, tag="end", tag_field="line"):
    """The idle gateway after the last step; `stopped` says why there were no more, "" where all were done."""

    after: Look
    stopped: str = ""
    took_s: float = 0.0


Line = Head | StepLine | EndLine


def begin(directory: Path, head: Head) -> Path:
    """Make room for a diagnosis in a report directory, in place of an earlier one; return its folder."""
    folder = make_directory(str(directory / FOLDER))
    for old in folder.glob("step-*.jsonl"):
        old.unlink()
    append(folder, head)
    return folder


def append(folder: Path, line: Line) -> None:
    """Write one line; a head begins a new index. Raises `OwnFailure` where it cannot be kept."""
    try:
        with (folder / INDEX).open("wb" if isinstance(line, Head) else "ab") as index:
            index.write(msgspec.json.encode(line) + b"\n")
    except OSError as error:
        raise OwnFailure(f"the evidence cannot be kept in {folder} ({error.strerror}): see --report") from None


def read_evidence(directory: Path) -> tuple[Head, Seen, EndLine]:
    """Observe saved steps again from their journals. Raises `UsageError` for what is no saved diagnosis.

    A last step that was broken off is no evidence on anybody, nor on our own sending.
    """
    folder = directory / FOLDER
    path = folder / INDEX
    try:
        lines = [msgspec.json.decode(raw, type=Line) for raw in path.read_bytes().splitlines()]
    except OSError as error:
        raise UsageError(
            f"no diagnosis in {directory} ({error.strerror}): give the report directory of `wdtts diagnose`"
        ) from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is damaged ({error}): diagnose again") from None
    head, *rest = lines or [None]
    if not isinstance(head, Head) or head.schema != SCHEMA:
        raise UsageError(f"{path} does not begin with {SCHEMA}: judge it with the version that wrote it")
    end = next((line for line in rest if isinstance(line, EndLine)), EndLine(Look(), "the diagnosis was cut short"))
    read_objective(head.objective)
    steps = [line for line in rest if isinstance(line, StepLine)]
    if steps and _broken_off(folder / steps[-1].journal):
        del steps[-1]
    seen = tuple(observe(one.step, one.journal, one.before, read_journal(folder / one.journal)) for one in steps)
    return head, Seen(steps=seen, after=end.after), end


def _broken_off(journal: Path) -> bool:
    """Whether a run never began, or did not go to its end."""
    return not journal.exists() or bool(Case(read_journal(journal)).cut_short)
