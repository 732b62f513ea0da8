"""Sentences of a diagnosis in the report's two languages, from one table."""

import os
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from ...attribution import Cause, Fact, Finding
from ...attribution.capacity import Capacity
from ..sentences import LANGUAGES, Language, milliseconds

KIB = 1024
WITHOUT_QUEUE = "saturated_without_queue"


@cache
def table() -> dict[str, Any]:
    """Return the whole table."""
    text = files("pytest_wdtts.report").joinpath("assets", "diagnosis_words.json").read_text(encoding="utf-8")
    words: dict[str, Any] = msgspec.json.decode(text)
    return words


def spoken() -> Language:
    """The language of the environment, where it is one of the report's."""
    name = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if name.lower().startswith("zh") else "en"


def word(group: str, key: str, language: Language) -> str:
    """Return one word or sentence as it stands in the table."""
    found: str = table()[group][key][LANGUAGES.index(language)]
    return found


def sentence(told: Fact, language: Language) -> str:
    """Say a fact; times become ms or s, sizes kB or MB."""
    shown = {name: _shown(name, value) for name, value in told.values.items()}
    return word("facts", told.key, language).format(**shown)


def case_of(cause: Cause, findings: Iterable[Finding]) -> str:
    """The key of a cause's words: a gateway that is as slow with few sessions as with many has no queue."""
    for finding in findings:
        facts = {one.key for one in finding.evidence_for}, {one.key for one in finding.evidence_against}
        if finding.cause is cause and facts[0] == {"always_slow"} and "does_not_rise" in facts[1]:
            return WITHOUT_QUEUE
    return cause


def title(key: str, language: Language) -> str:
    """Name a cause."""
    found: str = _case(key)["title"][LANGUAGES.index(language)]
    return found


def advice(key: str, language: Language) -> list[str]:
    """Say what to do next: the guide's advice where it has some."""
    return [pair[LANGUAGES.index(language)] for pair in _case(key)["advice"]]


def _case(key: str) -> dict[str, Any]:
    case: dict[str, Any] = table()[key] if key == WITHOUT_QUEUE else table()["causes"][key]
    return case


def capacity_sentence(capacity: Capacity, language: Language) -> str:
    """Say what was found of the capacity."""
    match capacity.held, capacity.broken:
        case held, 0 if capacity.wavered > held:
            key = "wavers" if held else "wavers_below"
        case 0, 0:
            key = "unknown"
        case 0, _:
            key = "below"
        case _, 0:
            key = "above"
        case _:
            key = "interval"
    return word("capacity", key, language).format(
        held=capacity.held, broken=capacity.broken, wavered=capacity.wavered, cps=capacity.cps
    )


def _shown(name: str, value: object) -> object:
    if name.endswith("_ms") and isinstance(value, float | int):
        return milliseconds(value)
    if name == "bytes" and isinstance(value, float | int):
        return f"{value / KIB / KIB:.1f} MiB" if value >= KIB * KIB else f"{value / KIB:.0f} KiB"
    return value
