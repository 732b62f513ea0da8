"""The dummy engine: every unit is a tone that spells its own identity (`pytest_wdtts.protocol.tone`)."""

import numpy as np
import numpy.typing as npt

from pytest_wdtts.protocol import tone

SAMPLE_RATE_HZ = 16_000
_SYMBOL_SAMPLES = SAMPLE_RATE_HZ * tone.SYMBOL_MS // 1000

Samples = npt.NDArray[np.int16]


def _pair_table(upper_band: int) -> Samples:
    """Return the sum of two bands' tones for each of the 256 values of the byte that spells their digits."""
    seconds = np.arange(_SYMBOL_SAMPLES) / SAMPLE_RATE_HZ

    def waves(band: int) -> npt.NDArray[np.float64]:
        hertz = [tone.frequency_hz(band, digit) for digit in range(tone.TONES_PER_BAND)]
        return tone.AMPLITUDE * np.sin(2 * np.pi * np.outer(hertz, seconds))

    pairs = waves(upper_band)[:, None, :] + waves(upper_band + 1)[None, :, :]
    return np.rint(pairs).astype(np.int16).reshape(256, _SYMBOL_SAMPLES)


class Dummy:
    """Costs three table rows and two additions a unit: each byte of its word picks two tones at once."""

    name = "dummy"
    sample_rates = frozenset({SAMPLE_RATE_HZ})
    native_rate_hz = SAMPLE_RATE_HZ
    unit_tone = tone.LAYOUT

    def __init__(self, unit_audio_ms: int) -> None:
        self.unit_audio_ms = unit_audio_ms
        self._repeats = unit_audio_ms // tone.SYMBOL_MS
        self._tables = tuple(_pair_table(band) for band in range(0, tone.BANDS, 2))

    async def start(self) -> None:
        """Do nothing: the tables are all it needs."""

    async def synthesise(self, text: str, first_unit: int, sample_rate: int, channels: int) -> bytes:
        """Return the tones of `text`; the sample rate is the only one there is."""
        return self.tones(text, first_unit, channels)

    def tones(self, text: str, first_unit: int, channels: int) -> bytes:
        """Return raw s16le PCM of `text`, whose first unit has this index."""
        # A lone surrogate is a unit like any other.
        code_points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        indices = np.arange(first_unit, first_unit + len(code_points)) % tone.INDEX_MODULUS
        words = (indices.astype(np.uint32) << tone.CODE_POINT_BITS) | code_points
        high, middle, low = self._tables
        samples = high[words >> 16] + middle[words >> 8 & 0xFF] + low[words & 0xFF]
        if self._repeats > 1:
            samples = np.tile(samples, (1, self._repeats))
        if channels == 2:
            samples = np.repeat(samples, 2, axis=1)
        pcm: bytes = samples.astype("<i2", copy=False).tobytes()
        return pcm

    async def close(self) -> None:
        """Do nothing."""
