"""What the PCM alone proves, against tones made here from the contract's layout and against the reference engine's."""

import asyncio
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_wdtts.ledger.audio import AudioTerms, check_pcm, header_fault, read_tone
from pytest_wdtts.protocol.tone import LAYOUT, unit_word
from pytest_wdtts.record import AUDIO_FAULTS, ChunkFlag
from reference_gateway.engines.dummy import Dummy
from reference_gateway.wav import wav_header

RATE = 16_000
MONO = AudioTerms(RATE, 1, 40, tone=True)
STEREO = AudioTerms(RATE, 2, 40, tone=True)
PLAIN_V1 = AudioTerms(RATE, 1, 40)
REAL_VOICE = AudioTerms(RATE, 1)
TEXT = "您好，a😀"
ENGINE = Dummy(40)


@pytest.mark.parametrize(
    ("rate", "unit_audio_ms", "tone"),
    [
        (RATE, 40, True),
        (RATE, 39, False),
        (RATE, 1, False),
        (RATE, 80, True),
        (4_000, 40, False),
        (8_000, 40, True),
        (5_550, 40, False),  # The highest tone is 2,775 Hz.
        (5_575, 40, True),
    ],
)
def test_a_tone_is_read_only_where_it_can_be(rate: int, unit_audio_ms: int, tone: bool) -> None:
    terms = AudioTerms.of(rate, 1, LAYOUT, unit_audio_ms, dummy=False)
    assert terms.tone is tone
    loud = np.full(rate * unit_audio_ms // 1000 * len(TEXT), 9_000, dtype="<i2").tobytes()
    assert bool(check_pcm(loud, TEXT, 0, terms) & ChunkFlag.TONE_READ) is tone, (
        "whatever a gateway claims, nothing fails"
    )


def spoken(text: str, first: int = 0, channels: int = 1, engine: Dummy = ENGINE) -> bytes:
    return asyncio.run(engine.synthesise(text, first, RATE, channels))


def tone_by_hand(index: int, code_point: int) -> NDArray[np.int16]:
    """One unit of the layout, from its words: six hexadecimal digits, sixteen tones a band, 25 Hz apart from 400 on."""
    digits = f"{(index % 8) << 21 | code_point:06x}"
    seconds = np.arange(640) / RATE
    waves = [
        4000 * np.sin(2 * np.pi * (400 + 25 * (16 * band + int(digit, 16))) * seconds)
        for band, digit in enumerate(digits)
    ]
    return np.array(np.rint(np.sum(waves, axis=0)), dtype="<i2")


@pytest.mark.parametrize("index", [0, 7, 8, 300])
def test_the_engine_and_the_layouts_words_agree(index: int) -> None:
    by_hand = np.concatenate([tone_by_hand(index + i, ord(unit)) for i, unit in enumerate(TEXT)])
    engine = np.frombuffer(spoken(TEXT, index), "<i2")
    assert np.abs(by_hand.astype(int) - engine).max() <= 3
    expected = [unit_word(index + i, ord(unit)) for i, unit in enumerate(TEXT)]
    assert read_tone(by_hand, len(TEXT), RATE).tolist() == expected
    assert read_tone(engine, len(TEXT), RATE).tolist() == expected


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=24), st.integers(0, 10_000), st.booleans())
@hypothesis_settings(max_examples=60)
def test_any_units_are_read_back(text: str, first: int, stereo: bool) -> None:
    terms = STEREO if stereo else MONO
    assert check_pcm(spoken(text, first, terms.channels), text, first, terms) == ChunkFlag.TONE_READ


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("unit_audio_ms", [80, 400])
def test_longer_units(unit_audio_ms: int, channels: int) -> None:
    terms = AudioTerms(RATE, channels, unit_audio_ms, tone=True)
    pcm = spoken(TEXT, 5, channels, Dummy(unit_audio_ms))
    assert len(pcm) == len(TEXT) * unit_audio_ms * 16 * 2 * channels
    assert check_pcm(pcm, TEXT, 5, terms) == ChunkFlag.TONE_READ
    assert check_pcm(pcm, TEXT, 6, terms) & ChunkFlag.WRONG_UNITS


def one_channel_wrong() -> bytes:
    stereo = np.frombuffer(spoken(TEXT, 0, 2), "<i2").reshape(-1, 2).copy()
    stereo[:, 1] = np.frombuffer(spoken("別的字ab"), "<i2")
    return stereo.tobytes()


SPOILT: list[tuple[str, bytes, str, AudioTerms, ChunkFlag]] = [
    ("another unit", spoken("您好。a😀"), TEXT, MONO, ChunkFlag.WRONG_UNITS),
    ("two units in each other's place", spoken("好您，a😀"), TEXT, MONO, ChunkFlag.WRONG_UNITS),
    ("another place in the session", spoken(TEXT, 1), TEXT, MONO, ChunkFlag.WRONG_UNITS),
    ("right channel wrong", one_channel_wrong(), TEXT, STEREO, ChunkFlag.WRONG_UNITS),
    ("one unit too few", spoken(TEXT[:-1]), TEXT, MONO, ChunkFlag.WRONG_LENGTH),
    ("one unit too many", spoken(TEXT + "x"), TEXT, MONO, ChunkFlag.WRONG_LENGTH),
    ("stereo where mono was asked", spoken(TEXT, 0, 2), TEXT, MONO, ChunkFlag.WRONG_LENGTH),
    ("v1 dummy too short", spoken(TEXT[:-1]), TEXT, PLAIN_V1, ChunkFlag.WRONG_LENGTH),
    ("half a sample", spoken(TEXT)[:-1], TEXT, MONO, ChunkFlag.ODD_LENGTH),
    ("half a stereo frame", spoken(TEXT, 0, 2)[:-2], TEXT, STEREO, ChunkFlag.ODD_LENGTH),
    ("half a sample of a real voice", bytes(999), TEXT, REAL_VOICE, ChunkFlag.ODD_LENGTH),
    ("nothing", b"", TEXT, MONO, ChunkFlag.EMPTY),
    ("nothing from a real voice", b"", "，", REAL_VOICE, ChunkFlag.EMPTY),
    ("zeros", bytes(len(spoken(TEXT))), TEXT, MONO, ChunkFlag.SILENT),
    ("hiss", b"\x10\x00" * (len(TEXT) * 640), TEXT, MONO, ChunkFlag.SILENT),
    ("zeros from a v1 dummy", bytes(len(spoken(TEXT))), TEXT, PLAIN_V1, ChunkFlag.SILENT),
    ("zeros for words of a real voice", bytes(2000), TEXT, REAL_VOICE, ChunkFlag.SILENT),
    ("a WAV header", b"RIFF" + spoken(TEXT)[4:], TEXT, MONO, ChunkFlag.WAV_HEADER),
    ("a WAV header from a real voice", b"RIFF" + bytes(2000), TEXT, REAL_VOICE, ChunkFlag.WAV_HEADER),
    ("sound for no units", spoken(TEXT), "", MONO, ChunkFlag.WRONG_LENGTH),
]


@pytest.mark.parametrize(("pcm", "text", "terms", "flag"), [case[1:] for case in SPOILT], ids=[c[0] for c in SPOILT])
def test_each_fault_has_its_flag(pcm: bytes, text: str, terms: AudioTerms, flag: ChunkFlag) -> None:
    assert check_pcm(pcm, text, 0, terms) & AUDIO_FAULTS == flag


@pytest.mark.parametrize(
    ("pcm", "text", "terms"),
    [
        (spoken(TEXT), TEXT, PLAIN_V1),
        (b"\x00\x10" * 777, TEXT, REAL_VOICE),
        (bytes(2000), "，", REAL_VOICE),
        (bytes(2000), " \n", REAL_VOICE),
    ],
    ids=["v1 dummy", "a real voice", "a pause for a mark", "a pause for a break"],
)
def test_what_cannot_be_wrong_is_not_called_wrong(pcm: bytes, text: str, terms: AudioTerms) -> None:
    assert check_pcm(pcm, text, 0, terms) == ChunkFlag(0)


@pytest.mark.parametrize(("peak", "silent"), [(63, True), (-63, True), (64, False), (-64, False)])
def test_silence_is_what_nobody_hears_on_either_side_of_zero(peak: int, silent: bool) -> None:
    pcm = np.array([0, peak] * 500, dtype="<i2").tobytes()
    assert check_pcm(pcm, TEXT, 0, REAL_VOICE) == (ChunkFlag.SILENT if silent else ChunkFlag(0))


@given(st.binary(max_size=4000), st.text(max_size=5), st.sampled_from([MONO, STEREO, PLAIN_V1, REAL_VOICE]))
def test_any_bytes_get_flags_and_no_exception(pcm: bytes, text: str, terms: AudioTerms) -> None:
    assert isinstance(check_pcm(pcm, text, 3, terms), ChunkFlag)


@pytest.mark.parametrize(
    ("unit_tone", "unit_audio_ms", "dummy", "expected"),
    [
        (LAYOUT, 40, True, AudioTerms(RATE, 1, 40, tone=True)),
        (LAYOUT, 400, False, AudioTerms(RATE, 1, 400, tone=True)),
        ("", 0, True, AudioTerms(RATE, 1, 40)),
        ("", 0, False, AudioTerms(RATE, 1)),
        ("someone.else/2", 40, False, AudioTerms(RATE, 1)),
        (LAYOUT, 0, False, AudioTerms(RATE, 1)),
        (LAYOUT, 0, True, AudioTerms(RATE, 1, 40)),
    ],
)
def test_terms(unit_tone: str, unit_audio_ms: int, dummy: bool, expected: AudioTerms) -> None:
    assert AudioTerms.of(RATE, 1, unit_tone, unit_audio_ms, dummy) == expected


@pytest.mark.parametrize(
    ("at", "spoilt", "words"),
    [
        (0, b"RIFX", "no 44-byte WAV header with data size 0 (44 bytes)"),
        (8, b"AVI ", "no 44-byte WAV header"),
        (12, b"fact", "no 44-byte WAV header"),
        (36, b"fact", "no 44-byte WAV header"),
        (40, struct.pack("<I", 1280), "no 44-byte WAV header"),
        (44, b"\0", "no 44-byte WAV header with data size 0 (45 bytes)"),
        (16, struct.pack("<I", 18), "its fields are (18, 1, 2, 16000, 64000, 4, 16)"),
        (20, struct.pack("<H", 3), "its fields are (16, 3, "),
        (22, struct.pack("<H", 1), "expected (16, 1, 2, 16000, 64000, 4, 16)"),
        (24, struct.pack("<I", 8000), "2, 8000, 64000, "),
        (28, struct.pack("<I", 32000), "16000, 32000, 4, 16)"),
        (32, struct.pack("<H", 2), "64000, 2, 16)"),
        (34, struct.pack("<H", 24), "64000, 4, 24)"),
    ],
)
def test_every_field_of_a_wav_header_is_looked_at(at: int, spoilt: bytes, words: str) -> None:
    whole = wav_header(RATE, 2)
    assert words in header_fault(whole[:at] + spoilt + whole[at + len(spoilt) :], RATE, 2)


@pytest.mark.parametrize(("rate", "channels"), [(RATE, 1), (RATE, 2), (44_100, 1)])
def test_a_wav_header_of_the_session_s_own_format_has_no_fault(rate: int, channels: int) -> None:
    assert header_fault(wav_header(rate, channels), rate, channels) == ""
