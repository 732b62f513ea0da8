"""Whether an LLM's answer is garbled: a score from 0 (fine) to 1 (rubbish), with what shows it.

Quantised models fail in three ways that need no model to see: one character over and over, one piece of text
over and over, and letters of scripts that nobody asked for.
"""

import re
import unicodedata

from msgspec import Struct

SUSPICIOUS = 0.1
GARBLED = 0.3

# A big number may well have nine zeros.
_RUN = re.compile(r"([^\s\d.…—\-=*_~·])\1{4,}|(\d)\2{9,}")
_LOOP = re.compile(r"([^\s\d].{0,15}?)(?:[\s,，、]*\1){3,}", re.DOTALL)
_DAMAGE = re.compile(r"[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f]")
_ALWAYS_MEANT = {"LATIN", "CJK", "FULLWIDTH", "MODIFIER", "MASCULINE", "FEMININE"}
_EXAMPLE_UNITS = 24


class Garble(Struct, frozen=True):
    """The score, its parts (shares of the text), and examples."""

    score: float
    repeated: float
    looped: float
    foreign: float
    damaged: float
    examples: tuple[str, ...]


def garble(answer: str, prompt: str = "") -> Garble:
    """Judge an answer. Scripts that the prompt uses are meant; others beside Latin and Han are foreign."""
    text = answer.strip()
    runs, loops, damage = (list(rule.finditer(text)) for rule in (_RUN, _LOOP, _DAMAGE))
    letters = [(letter, _script(letter)) for letter in text if letter.isalpha()]
    meant = _ALWAYS_MEANT | {_script(letter) for letter in prompt if letter.isalpha()}
    foreign = [letter for letter, script in letters if script not in meant]
    parts = {
        "repeated": _share(runs, text),
        "looped": _share(loops, text),
        "foreign": len(foreign) / len(letters) if letters else 0.0,
        "damaged": _share(damage, text),
    }
    fine = 1.0
    for part in parts.values():
        fine *= 1 - part
    examples = [match.group()[:_EXAMPLE_UNITS] for match in (*runs, *loops)][:3]
    if foreign:
        examples.append("".join(foreign[:_EXAMPLE_UNITS]))
    return Garble(
        round(1 - fine, 3), **{name: round(part, 3) for name, part in parts.items()}, examples=tuple(examples)
    )


def _share(matches: "list[re.Match[str]]", text: str) -> float:
    return min(1.0, sum(len(match.group()) for match in matches) / len(text)) if text else 0.0


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNNAMED").split()[0]
