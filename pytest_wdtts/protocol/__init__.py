"""The wire contract: messages, codec, flush rule and tone layout. Pure: no I/O, no asyncio, no pytest."""

from .codec import Malformed, decode_client, decode_server, encode, read_json
from .flush import FLUSH_MARKS, MAX_PENDING_UNITS, chunk_ends, flush_pattern, split_chunks
from .messages import (
    ERROR_CODES,
    AudioChunk,
    Cancel,
    ClientMessage,
    Error,
    ErrorCode,
    Resume,
    ServerMessage,
    Start,
    StartAck,
    TextDelta,
    TextEnd,
    TtsEnd,
)

__all__ = [
    "ERROR_CODES",
    "FLUSH_MARKS",
    "MAX_PENDING_UNITS",
    "AudioChunk",
    "Cancel",
    "ClientMessage",
    "Error",
    "ErrorCode",
    "Malformed",
    "Resume",
    "ServerMessage",
    "Start",
    "StartAck",
    "TextDelta",
    "TextEnd",
    "TtsEnd",
    "chunk_ends",
    "decode_client",
    "decode_server",
    "encode",
    "flush_pattern",
    "read_json",
    "split_chunks",
]
