"""What is asked of every message whatever the case is about: its fields, and how one fits the others.

A fault is kept under the rule that it breaks, so that the case of that rule fails and no other.
"""

from ..ledger.audio import AudioTerms, check_pcm, header_fault
from ..protocol import ERROR_CODES, AudioChunk, Error, Malformed, StartAck, decode_server
from ..record import AUDIO_FAULTS, ChunkFlag
from .case import FORMAT_FIELDS
from .expected import Fields


class Watch:
    """Hears one connection; `asked` is the `start` that was sent on it, `fresh` whether for a new session."""

    def __init__(self, asked: Fields, *, fresh: bool) -> None:
        self.asked = asked
        self.faults: dict[str, str] = {}
        """By rule, the first fault of each."""
        self.understood: set[str] = set()
        """The types of the messages that could be read."""
        self._terms = AudioTerms(asked["sample_rate"], asked["channels"])
        self._next_unit: int | None = 0 if fresh else None
        self._next_chunk: int | None = None

    def replay_asked(self) -> None:
        """Note that a `resume` went out: the next chunk may be an earlier one."""
        self._next_unit = self._next_chunk = None

    def hear(self, frame: bytes) -> None:
        """Take one message and keep what is wrong with it."""
        try:
            message = decode_server(frame)
        except Malformed as error:
            self._fault("fields", f"not a message of the contract: {error}")
            return
        kind = str(type(message).__struct_config__.tag)
        self.understood.add(kind)
        if isinstance(message, Error):
            if message.code not in ERROR_CODES:
                self._fault("code", f"error {message.code!r}, expected one of {', '.join(ERROR_CODES)}")
            return
        if message.session_id != self.asked.get("session_id"):
            self._fault("session", f"{kind} of {message.session_id!r}, asked for {self.asked.get('session_id')!r}")
        if isinstance(message, StartAck):
            self._ack(message)
        elif isinstance(message, AudioChunk):
            self._chunk(message)

    def _ack(self, ack: StartAck) -> None:
        self._check_format(ack)
        if fault := header_fault(ack.wav_header, ack.sample_rate, ack.channels):
            self._fault("header", f"wav_header_base64 is {fault}")
        if ack.sample_rate > 0 and ack.channels in (1, 2):
            self._terms = AudioTerms.of(ack.sample_rate, ack.channels, ack.unit_tone, ack.unit_audio_ms, dummy=False)

    def _chunk(self, chunk: AudioChunk) -> None:
        self._check_format(chunk)
        first, last, text = chunk.unit_index_start, chunk.unit_index_end, chunk.units_text
        if last - first + 1 != len(text):
            self._fault("units", f"chunk of units {first} to {last} with {len(text)} units in units_text")
        if self._next_unit not in (None, first):
            self._fault("order", f"a chunk from unit {first}, expected {self._next_unit}")
        if self._next_chunk not in (None, chunk.chunk_seq):
            self._fault("order", f"chunk_seq {chunk.chunk_seq}, expected {self._next_chunk}")
        self._next_unit, self._next_chunk = last + 1, chunk.chunk_seq + 1
        flags = check_pcm(chunk.audio, text, first, self._terms) & AUDIO_FAULTS
        if not self._terms.unit_audio_ms and not any(unit.isalnum() for unit in text):
            flags &= ~ChunkFlag.EMPTY  # Of marks alone a voice may say nothing.
        if flags:
            self._fault("audio", f"audio of {text[:8]!r} is {flags.name}")

    def _check_format(self, message: StartAck | AudioChunk) -> None:
        given = tuple(getattr(message, name) for name in FORMAT_FIELDS)
        asked = tuple(self.asked.get(name) for name in FORMAT_FIELDS)
        if given != asked:
            self._fault("format", f"{type(message).__struct_config__.tag} says {given}, asked for {asked}")

    def _fault(self, rule: str, text: str) -> None:
        self.faults.setdefault(rule, text)
