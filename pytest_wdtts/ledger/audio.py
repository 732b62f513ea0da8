"""What the PCM alone proves: whole samples, right length, sound, and with a dummy engine which units it holds."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..protocol.tone import BANDS, LAYOUT, STEP_HZ, SYMBOL_MS, TONES_PER_BAND, frequency_hz, unit_word
from ..record import ChunkFlag

SILENCE_PEAK = 64
"""Peak in s16 steps under which nobody hears anything (-54 dBFS)."""
SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class AudioTerms:
    """What a session's audio has to be: its format, and what is known of the engine.

    `unit_audio_ms` is 0 where the engine is not known to give a fixed time per unit; `tone` says that the
    units' identities can be read back from the sound.
    """

    sample_rate: int
    channels: int
    unit_audio_ms: int = 0
    tone: bool = False

    @classmethod
    def of(cls, sample_rate: int, channels: int, unit_tone: str, unit_audio_ms: int, dummy: bool) -> "AudioTerms":
        """Take the terms from `start_ack`'s added fields, or from v1's word on the `dummy` engine.

        A tone can be read only where a whole symbol sounds and the rate is above twice the highest tone.
        """
        if unit_tone == LAYOUT and unit_audio_ms:
            highest_hz = frequency_hz(BANDS - 1, TONES_PER_BAND - 1)
            readable = unit_audio_ms >= SYMBOL_MS and sample_rate > 2 * highest_hz
            return cls(sample_rate, channels, unit_audio_ms, tone=readable)
        return cls(sample_rate, channels, SYMBOL_MS if dummy else 0)


def check_pcm(pcm: bytes, text: str, first_index: int, terms: AudioTerms, read_units: bool = True) -> ChunkFlag:
    """Check one chunk's raw s16le PCM against the units it claims to hold.

    Reading the units back from a tone costs eight times what all the rest does; `read_units` says whether to.
    """
    shape = _check_shape(pcm, len(text), terms)
    if shape:
        return shape
    samples = np.frombuffer(pcm, dtype="<i2")
    read_units = read_units and terms.tone
    if read_units and terms.channels == 1:
        return _check_tone(samples, text, first_index, terms)
    if read_units:
        both = samples.reshape(-1, terms.channels)
        return _check_tone(both[:, 0], text, first_index, terms) | _check_tone(both[:, 1], text, first_index, terms)
    audible = bool(terms.unit_audio_ms) or any(unit.isalnum() for unit in text)
    return ChunkFlag.SILENT if audible and _silent(samples) else ChunkFlag(0)


def header_fault(header: bytes, sample_rate: int, channels: int) -> str:
    """Say why this is no WAV header of raw s16le PCM in this format, of a length not known yet; empty where it is."""
    if header[:4] != b"RIFF" or header[8:16] != b"WAVEfmt " or header[36:] != b"data" + bytes(4):
        return f"no 44-byte WAV header with data size 0 ({len(header)} bytes)"
    frame_bytes = SAMPLE_BYTES * channels
    expected = (16, 1, channels, sample_rate, sample_rate * frame_bytes, frame_bytes, 8 * SAMPLE_BYTES)
    if (seen := struct.unpack("<IHHIIHH", header[16:36])) != expected:
        return f"the WAV header of another format: its fields are {seen}, expected {expected}"
    return ""


def read_tone(samples: NDArray[np.int16], units: int, sample_rate: int) -> NDArray[np.int64]:
    """Return the word that each unit's first symbol spells (see `protocol.tone`); shape (units,).

    A Fourier transform of one symbol has its bins exactly on the tones; the loudest bin of each band is the
    digit.
    """
    symbol = sample_rate * SYMBOL_MS // 1000
    first_symbols = samples.reshape(units, -1)[:, :symbol].astype(np.float32)
    lowest = frequency_hz(0, 0) // STEP_HZ
    spectrum = np.abs(np.fft.rfft(first_symbols, axis=1))[:, lowest : lowest + BANDS * TONES_PER_BAND]
    digits = spectrum.reshape(units, BANDS, TONES_PER_BAND).argmax(axis=2)
    weights = TONES_PER_BAND ** np.arange(BANDS - 1, -1, -1, dtype=np.int64)
    words: NDArray[np.int64] = digits @ weights
    return words


def _check_shape(pcm: bytes, units: int, terms: AudioTerms) -> ChunkFlag:
    """What can be said without looking at a sample."""
    frame_bytes = SAMPLE_BYTES * terms.channels
    if not pcm:
        return ChunkFlag.EMPTY
    if pcm[:4] == b"RIFF":
        return ChunkFlag.WAV_HEADER
    if len(pcm) % frame_bytes:
        return ChunkFlag.ODD_LENGTH
    if terms.unit_audio_ms and _wrong_length(len(pcm) // frame_bytes, units, terms):
        return ChunkFlag.WRONG_LENGTH
    return ChunkFlag(0)


def _wrong_length(frames: int, units: int, terms: AudioTerms) -> bool:
    """A fixed time per unit leaves no room but the rounding of one frame per unit."""
    return abs(frames - units * terms.unit_audio_ms * terms.sample_rate / 1000) > units


def _silent(samples: NDArray[np.int16]) -> bool:
    return bool(samples.max() < SILENCE_PEAK and samples.min() > -SILENCE_PEAK)


def _check_tone(samples: NDArray[np.int16], text: str, first_index: int, terms: AudioTerms) -> ChunkFlag:
    if _silent(samples):
        return ChunkFlag.SILENT
    units = len(text)
    if not units or len(samples) % units:
        return ChunkFlag.WRONG_LENGTH
    expected = [unit_word(first_index + i, ord(unit)) for i, unit in enumerate(text)]
    heard = read_tone(samples, units, terms.sample_rate)
    right = bool((heard == np.array(expected, dtype=np.int64)).all())
    return ChunkFlag.TONE_READ if right else ChunkFlag.TONE_READ | ChunkFlag.WRONG_UNITS
