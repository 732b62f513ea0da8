"""What judges and sessions say, in Traditional Chinese: a table of sentences that is data, `assets/chinese.toml`.

Reports keep `observed`, `limit`, evidence and events in English; pages for people show both. So whoever adds a
sentence writes it once, in English, where it belongs, and a line in the table.
"""

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files

_PLACE = re.compile(r"\{(\w+)\}")
_NUMBER = r"[-+\d.e]+%?"
_LISTS = ((", ", "、"), ("; ", "；"), ("|", "、"))


@lru_cache(maxsize=4096)
def chinese(text: str) -> str:
    """Return the sentence in Chinese; what no line of the table knows stays as it is."""
    for pattern, translation in _table():
        if found := pattern.fullmatch(text):
            return translation.format_map({name: chinese(value) for name, value in found.groupdict().items()})
    for mark, chinese_mark in _LISTS:
        if mark in text:
            parts = text.split(mark)
            known = [chinese(part) for part in parts]
            if known != parts:
                return chinese_mark.join(known)
    return text


@cache
def sentences_known() -> dict[str, str]:
    """Return the table: English to Chinese, places in braces."""
    text = files(__package__).joinpath("assets", "chinese.toml").read_text(encoding="utf-8")
    return {english: line for room in tomllib.loads(text).values() for english, line in room.items()}


@cache
def _table() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compiled, the entries with the most fixed text first."""
    ordered = sorted(sentences_known().items(), key=lambda entry: len(_PLACE.sub("", entry[0])), reverse=True)
    return tuple((_pattern(english), translation) for english, translation in ordered)


def _pattern(template: str) -> re.Pattern[str]:
    """A place of one letter takes a number, any other takes anything."""
    parts = _PLACE.split(template)
    for at, name in list(enumerate(parts))[1::2]:
        parts[at] = f"(?P<{name}>{_NUMBER if len(name) == 1 else '.+?'})"
    parts[::2] = map(re.escape, parts[::2])
    return re.compile("".join(parts), re.DOTALL)
