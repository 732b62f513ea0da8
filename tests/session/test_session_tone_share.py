"""Tones are read of every so many chunks, not of the same ones in every session; the rest is checked for all."""

import pytest

from pytest_wdtts.load import SessionPlan
from pytest_wdtts.protocol import AudioChunk, StartAck, encode
from pytest_wdtts.protocol.tone import LAYOUT
from pytest_wdtts.record import AUDIO_FAULTS, ChunkFlag, SessionRecord
from pytest_wdtts.session import ClientSession

SILENCE = bytes(40 * 16 * 2)


def flags_of(index: int, tone_every: int, pcm: bytes, unit_tone: str = LAYOUT, dummy: bool = False) -> list[ChunkFlag]:
    plan = SessionPlan(session_id="s", text="甲乙丙丁戊己", open_ns=0, first_unit_ns=0, interval_ns=1, index=index)
    record = SessionRecord(plan)
    machine = ClientSession(plan, record, dummy_engine=dummy, tone_every=tone_every)
    machine.opening(0)
    machine.opened(0)
    ack = StartAck("s", "pcm16_wav", 16000, 1, 120.0, b"", unit_tone=unit_tone, unit_audio_ms=40)
    machine.received(encode(ack), 9)
    for unit, text in enumerate(plan.text):
        machine.received(encode(AudioChunk("s", unit, unit, unit, unit, text, "pcm16_wav", 16000, 1, pcm)), 10)
    return [ChunkFlag(flags) for flags in record.flags]


@pytest.mark.parametrize(
    ("index", "tone_every", "read"), [(0, 1, {0, 1, 2, 3, 4, 5}), (0, 3, {0, 3}), (2, 3, {1, 4}), (0, 0, set())]
)
def test_every_so_many_chunks(index: int, tone_every: int, read: set[int]) -> None:
    noise = bytes(range(256)) * 5
    flags = flags_of(index, tone_every, noise)
    assert {number for number, flag in enumerate(flags) if flag & ChunkFlag.TONE_READ} == read
    assert {number for number, flag in enumerate(flags) if flag & AUDIO_FAULTS} == read


def test_length_and_sound_are_checked_of_all() -> None:
    assert all(flag & ChunkFlag.SILENT for flag in flags_of(0, 3, SILENCE))
    assert all(flag & ChunkFlag.WRONG_LENGTH for flag in flags_of(0, 3, SILENCE * 3))


def test_without_a_tone_the_length_is_known_of_the_dummy_alone() -> None:
    noise = bytes(range(256)) * 4
    assert not any(flags_of(0, 1, noise, unit_tone=""))
    assert all(flag & ChunkFlag.WRONG_LENGTH for flag in flags_of(0, 1, noise, unit_tone="", dummy=True))
