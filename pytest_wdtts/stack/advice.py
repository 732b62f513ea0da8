"""What the engine's words mean, and the next step: from a table that is data."""

import re
import tomllib
from functools import cache
from importlib.resources import files

import psutil
from msgspec import Struct, convert

_PORT = re.compile(r"(?:\d+\.\d+\.\d+\.\d+|\[::\]|localhost):(\d+)")


class Advice(Struct, frozen=True):
    """One line of the table."""

    pattern: str
    cause: str
    next: str


@cache
def _table() -> tuple[Advice, ...]:
    text = files(__package__).joinpath("advice.toml").read_text(encoding="utf-8")
    return tuple(convert(tomllib.loads(text)["advice"], list[Advice]))


def advise(words: str) -> tuple[str, str]:
    """Return (cause, next step) for what Docker said; ("", "") where the table does not know it."""
    for advice in _table():
        if found := re.search(advice.pattern, words, re.IGNORECASE | re.DOTALL):
            line = words[words.rfind("\n", 0, found.start()) + 1 : found.end()]
            ports = _PORT.findall(line)
            port = ports[-1] if ports else "?"
            return advice.cause.format(port=port) + (
                _holder(int(port)) if "{port}" in advice.cause and ports else ""
            ), (advice.next)
    return "", ""


def _holder(port: int) -> str:
    """Say which process listens there, where this user may see it."""
    try:
        listeners = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
        pid = next(one.pid for one in listeners if one.laddr and one.laddr.port == port and one.pid)
        return f" by {psutil.Process(pid).name()} (process {pid})"
    except (StopIteration, psutil.Error):
        return " by a process that this user cannot see"
