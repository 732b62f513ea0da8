"""The WAV header that v1 sends once, in `start_ack`, apart from the raw PCM."""

import struct


def wav_header(sample_rate: int, channels: int) -> bytes:
    """Return 44 bytes that announce s16le PCM of unknown length: the data size is 0."""
    frame_bytes = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36, b"WAVE",
        b"fmt ", 16, 1, channels, sample_rate, sample_rate * frame_bytes, frame_bytes, 16,
        b"data", 0,
    )  # fmt: skip
