"""Save what can be read of an audio chunk whose base64 is broken, so that its units stay accounted for."""

import base64
import binascii
import json

import msgspec

from ..protocol import AudioChunk
from ..record import ChunkFlag


def salvage(frame: bytes) -> tuple[AudioChunk | None, ChunkFlag]:
    """Return the chunk without its audio and the flag that says so, or None for any other frame."""
    try:
        fields = json.loads(frame)
        audio = fields["audio_base64"]
        base64.b64decode(audio, validate=True)
    except binascii.Error:
        try:
            return msgspec.convert({**fields, "audio_base64": ""}, AudioChunk), ChunkFlag.BAD_BASE64
        except msgspec.ValidationError:
            return None, ChunkFlag(0)
    except (ValueError, TypeError, KeyError):
        return None, ChunkFlag(0)
    return None, ChunkFlag(0)
