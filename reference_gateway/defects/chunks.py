"""Defects of single chunks: lost, doubled, out of place, of wrong text or wrong sound."""

from collections.abc import Sequence

from msgspec.structs import replace

from pytest_wdtts.protocol import AudioChunk, Error, ServerMessage, TtsEnd, encode

from ..wav import wav_header
from .chance import OfChunks, OfSessions
from .seam import Step

SAMPLE_BYTES = 2


class UnitLost(OfChunks):
    """The last unit of a chunk is cut off: index, text and sound."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        units = len(chunk.units_text)
        if units < 2:
            return (chunk,)
        kept = len(chunk.audio) // units * (units - 1)
        return (
            replace(
                chunk,
                unit_index_end=chunk.unit_index_end - 1,
                units_text=chunk.units_text[:-1],
                audio=chunk.audio[:kept],
            ),
        )


class ChunkLost(OfChunks):
    """A chunk is never sent."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return ()


class ChunkDoubled(OfChunks):
    """A chunk is sent twice."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (chunk, chunk)


class ChunkSwapped(OfChunks):
    """A chunk is held back and sent after the next one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._held: dict[str, AudioChunk] = {}

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if not isinstance(message, AudioChunk):
            return (message,)
        if before := self._held.pop(message.session_id, None):
            return (message, before)
        if self.strikes():
            self._held[message.session_id] = message
            return ()
        return (message,)

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        before = self._held.pop(message.session_id, None)
        return (before, message) if before else (message,)


class IndexShifted(OfChunks):
    """A chunk names the indices one further than its units have."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, unit_index_start=chunk.unit_index_start + 1, unit_index_end=chunk.unit_index_end + 1),)


class TextWrong(OfChunks):
    """One character of `units_text` is not what was sent."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, units_text="\N{REPLACEMENT CHARACTER}" + chunk.units_text[1:]),)


class TextNormalised(OfChunks):
    """Full-width marks come back as ASCII ones, as a text front end writes them."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, units_text=chunk.units_text.translate(_ASCII_MARKS)),)


class UnitsOutOfPlace(OfChunks):
    """The sound of a chunk's units is right, but rotated by one unit."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        one = len(chunk.audio) // len(chunk.units_text)
        return (replace(chunk, audio=chunk.audio[one:] + chunk.audio[:one]),)


class AudioOfAnother(OfChunks):
    """A chunk has the sound of another session's latest chunk, cut or repeated to its own length."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._latest: tuple[str, bytes] = ("", b"")

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if not isinstance(message, AudioChunk):
            return (message,)
        (other, audio), self._latest = self._latest, (message.session_id, message.audio)
        if not audio or other == message.session_id or not self.strikes():
            return (message,)
        size = len(message.audio)
        return (replace(message, audio=(audio * (size // len(audio) + 1))[:size]),)


class PcmTruncated(OfChunks):
    """The second half of a chunk's sound is missing."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        frame_bytes = SAMPLE_BYTES * chunk.channels
        return (replace(chunk, audio=chunk.audio[: len(chunk.audio) // frame_bytes // 2 * frame_bytes]),)


class PcmOddLength(OfChunks):
    """The last byte of a chunk's sound is missing: half a sample."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, audio=chunk.audio[:-1]),)


class PcmSilent(OfChunks):
    """A chunk's sound has the right length and is silence."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, audio=bytes(len(chunk.audio))),)


class PcmEmpty(OfChunks):
    """A chunk has no sound at all."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, audio=b""),)


class PcmWithHeader(OfChunks):
    """A chunk's sound begins with a WAV header of its own, which players hear as a click."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, audio=wav_header(chunk.sample_rate, chunk.channels) + chunk.audio),)


class Base64Wrong(OfChunks):
    """`audio_base64` is no base64."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (encode(replace(chunk, audio=b"")).replace(b'"audio_base64":""', b'"audio_base64":"@@@"'),)


class NotJson(OfChunks):
    """The frame of a chunk breaks off in the middle."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        frame = encode(chunk)
        return (frame[: len(frame) // 2],)


class SampleRateWrong(OfChunks):
    """A chunk says another sample rate than was agreed."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, sample_rate=22_050),)


class SessionIdForeign(OfChunks):
    """A chunk bears the id of a session that this connection does not carry."""

    def spoil(self, chunk: AudioChunk) -> Sequence[Step]:
        return (replace(chunk, session_id="somebody-else"),)


class ChunkSeqGap(OfChunks):
    """`chunk_seq` leaves a number out, and goes on from there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._left_out: dict[str, int] = {}

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if not isinstance(message, AudioChunk):
            return (message,)
        skipped = self._left_out.get(message.session_id, 0) + self.strikes()
        self._left_out[message.session_id] = skipped
        return (replace(message, chunk_seq=message.chunk_seq + skipped),)


class ChunkSeqStuck(OfSessions):
    """`chunk_seq` is 0 in every chunk of a struck session."""

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if isinstance(message, AudioChunk) and self.strikes(message.session_id):
            return (replace(message, chunk_seq=0),)
        return (message,)


_ASCII_MARKS = str.maketrans("，。！？；：", ",.!?;:")
