"""The texts that are spoken: shipped ones by name, a user's own by path."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..protocol import FLUSH_MARKS

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "_shipped" / "corpora"
_CORPORA = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent / "corpora"
_BYTE_ORDER_MARK = "\ufeff"
_SENTENCE_ENDS = frozenset("。！？.!?\n")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A text of `units` code points."""

    name: str
    text: str
    sha256: str

    @property
    def units(self) -> int:
        """Length in units (code points)."""
        return len(self.text)

    def sentence_starts(self) -> list[int]:
        """Indices at which a session may begin to read, so that each hears whole sentences."""
        starts = [0]
        starts += [i + 1 for i, unit in enumerate(self.text[:-1]) if unit in _SENTENCE_ENDS]
        return [i for i in starts if self.text[i] not in FLUSH_MARKS and not self.text[i].isspace()] or [0]


def shipped_names() -> list[str]:
    """Names of the texts that come with the package."""
    try:
        manifest = json.loads((_CORPORA / "manifest.json").read_text(encoding="utf-8"))
    except OSError:
        return []
    return [entry["name"] for entry in manifest]


def load_corpus(name_or_path: str) -> Corpus:
    """Read a text, without byte order mark and its one trailing newline. Raises `UsageError` naming what was seen."""
    shipped = _CORPORA / f"{name_or_path}.txt"
    path = shipped if name_or_path in shipped_names() else Path(name_or_path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        names = ", ".join(shipped_names())
        raise UsageError(
            f"corpus {name_or_path!r} cannot be read ({error.strerror}): give a path to a UTF-8 text file, "
            f"or one of: {names}"
        ) from None
    try:
        text = raw.decode("utf-8").removeprefix(_BYTE_ORDER_MARK).removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"corpus {path} is not UTF-8 (byte {error.start} is 0x{raw[error.start]:02x}): "
            "save it as UTF-8 and run again"
        ) from None
    if not text.strip():
        raise UsageError(f"corpus {path} is empty: it needs at least cps x duration units of text")
    return Corpus(name_or_path, text, hashlib.sha256(raw).hexdigest())
