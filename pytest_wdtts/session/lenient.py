"""Save what can be read of an audio chunk whose audio is broken, so that its units stay accounted for."""

import json

import msgspec

from ..protocol import AudioChunk


def salvage(frame: bytes) -> AudioChunk | None:
    """Return a malformed chunk without its audio, or None where more than `audio_base64` is wrong."""
    try:
        return msgspec.convert({**json.loads(frame), "audio_base64": ""}, AudioChunk)
    except (ValueError, TypeError, RecursionError, msgspec.ValidationError):
        return None
