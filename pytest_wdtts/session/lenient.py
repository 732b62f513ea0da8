"""Save what can be read of an audio chunk whose audio is broken, so that its units stay accounted for."""

import msgspec

from ..protocol import AudioChunk, read_json


def salvage(frame: bytes) -> AudioChunk | None:
    """Return a malformed chunk without its audio, or None where more than `audio_base64` is wrong."""
    try:
        fields = read_json(frame)
        return msgspec.convert(fields | {"audio_base64": ""}, AudioChunk) if isinstance(fields, dict) else None
    except (ValueError, TypeError, RecursionError, msgspec.ValidationError):
        return None
