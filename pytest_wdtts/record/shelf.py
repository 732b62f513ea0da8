"""The sound itself, kept in memory within a budget: whoever hears of a failing session wants to hear it."""

from pathlib import Path

import msgspec

from .session import SessionRecord

BUDGET_BYTES = 64 * 1024 * 1024
"""Half an hour of 16 kHz mono: enough for 50 sessions of a minute with the dummy's 40 ms a unit, five times over."""


class AudioShelf:
    """Takes chunks' PCM while there is room; a session that did not fit is left out whole, not cut short."""

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._left_bytes = budget_bytes
        self._kept: dict[str, list[bytes]] = {}
        self._full: set[str] = set()

    def keep(self, record: SessionRecord, pcm: bytes) -> None:
        """Put one chunk's PCM beside the session's others."""
        session_id = record.plan.session_id
        if session_id in self._full:
            return
        if len(pcm) > self._left_bytes:
            self._full.add(session_id)
            self._left_bytes += sum(map(len, self._kept.pop(session_id, [])))
            return
        self._left_bytes -= len(pcm)
        self._kept.setdefault(session_id, []).append(pcm)

    def sound(self, session_id: str) -> bytes:
        """Return a session's PCM in order of receipt; empty where none was kept."""
        return b"".join(self._kept.get(session_id, []))

    def store(self, path: Path) -> None:
        """Put all of it into a file, for another process to fetch; no file where nothing was kept. Raises `OSError`."""
        if self._kept:
            path.write_bytes(msgspec.msgpack.encode({name: b"".join(parts) for name, parts in self._kept.items()}))

    def fetch(self, path: Path) -> None:
        """Take over what another's shelf stored, and remove the file. Raises `OSError`."""
        for session_id, pcm in msgspec.msgpack.decode(path.read_bytes(), type=dict[str, bytes]).items():
            self._kept[session_id] = [pcm]
        path.unlink()
