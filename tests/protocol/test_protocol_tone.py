"""The tone's layout: tones a Fourier transform of one symbol can tell apart, words that are one to one."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.protocol import tone


def test_every_tone_holds_whole_cycles_and_is_its_own() -> None:
    hertz = [tone.frequency_hz(band, digit) for band in range(tone.BANDS) for digit in range(tone.TONES_PER_BAND)]
    assert len(set(hertz)) == 96
    assert all(h * tone.SYMBOL_MS % 1000 == 0 for h in hertz)
    assert max(hertz) < 16_000 / 2
    assert tone.BANDS * tone.AMPLITUDE < 2**15


def test_word_by_hand() -> None:
    assert tone.unit_word(9, ord("您")) == 0x20_60A8 == (1 << 21 | 0x60A8)


@given(st.integers(0, 10_000), st.integers(0, 0x10FFFF))
def test_word_gives_back_index_and_code_point(index: int, code_point: int) -> None:
    word = tone.unit_word(index, code_point)
    assert divmod(word, 1 << 21) == (index % 8, code_point)
    assert word < 16**tone.BANDS
