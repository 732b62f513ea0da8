"""Shorthand for driving the session machine by hand."""

from collections.abc import Iterator

from pytest_wdtts.protocol import AudioChunk, Cancel, Resume, Start, TextDelta, TextEnd, TtsEnd
from reference_gateway.session import Limits, Session

START = Start(session_id="s", audio_format="pcm16_wav", sample_rate=16000, channels=1)
BYTES_PER_UNIT = 10
SECOND_NS = 1_000_000_000


def limits(**changes: int) -> Limits:
    values = {
        "cache_chunks": 100,
        "cache_bytes": 100_000,
        "unsent_chunks": 4,
        "unsent_bytes": 100_000,
        "max_pending_text": 1_000,
        "stall_ns": 3 * SECOND_NS,
        "stall_bytes": 100,
        "ttl_ns": 120 * SECOND_NS,
    }
    return Limits(**(values | changes))


def text(units: str) -> TextDelta:
    return TextDelta(session_id="s", seq=0, text=units)


def text_end() -> TextEnd:
    return TextEnd(session_id="s", seq=0)


def cancel() -> Cancel:
    return Cancel(session_id="s", seq=0)


def resume(last: int) -> Resume:
    return Resume(session_id="s", last_unit_index_received=last)


def opened(**changes: int) -> Session:
    session = Session(START, limits(**changes))
    assert not session.attach()
    return session


def synthesise(session: Session) -> None:
    """Synthesise whatever the session asks for."""
    while job := session.next_to_synthesise():
        session.synthesised(job, job.text, b"\0" * (BYTES_PER_UNIT * len(job.text)))


def messages(session: Session) -> Iterator[AudioChunk | TtsEnd]:
    """Synthesise and send until nothing is left to do."""
    synthesise(session)
    while message := session.next_message():
        yield message
        synthesise(session)


def said(session: Session) -> list[str]:
    """What `messages` gives, as the text of chunks and the kind of end."""
    return [
        message.units_text if isinstance(message, AudioChunk) else ("<cancelled>" if message.cancelled else "<end>")
        for message in messages(session)
    ]
