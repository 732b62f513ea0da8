"""Text frames to typed messages and back, validated in one pass.

Only JSON escapes can carry a lone surrogate, and msgspec takes none: such a frame goes through the
standard library's reader and writer, so that one odd character costs its own session a slow frame and
nothing else.
"""

import json
from typing import TypeVar, cast

import msgspec

from .messages import ClientMessage, ServerMessage

_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_encoder = msgspec.json.Encoder()

M = TypeVar("M")


class Malformed(ValueError):
    """A frame that is no message of the contract; the text names the field and what was expected."""


def decode_client(frame: str | bytes) -> ClientMessage:
    """Read what a client sent. Raises `Malformed`."""
    return _decode(_client_decoder, ClientMessage, frame)


def decode_server(frame: str | bytes) -> ServerMessage:
    """Read what a gateway sent. Raises `Malformed`."""
    return _decode(_server_decoder, ServerMessage, frame)


def encode(message: ClientMessage | ServerMessage) -> bytes:
    """Write one message as the UTF-8 JSON of a text frame."""
    try:
        return _encoder.encode(message)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(message)).encode("ascii")


def read_json(frame: str | bytes) -> object:
    """Read JSON with the standard library, lone surrogates and all. Raises `ValueError`, also for NaN and Infinity."""
    return json.loads(frame, parse_constant=_refuse_constant)


def _decode(decoder: msgspec.json.Decoder[M], kind: object, frame: str | bytes) -> M:
    try:
        return decoder.decode(frame)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None
    except (msgspec.DecodeError, UnicodeError):
        return cast(M, _decode_surrogates(kind, frame))
    except RecursionError:
        raise Malformed("nested too deep to be a message") from None


def _decode_surrogates(kind: object, frame: str | bytes) -> object:
    try:
        return msgspec.convert(read_json(frame), cast(type, kind))
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
