"""Every message of the WD TTS WebSocket API v1 as a frozen type.

Binary payloads are `bytes` here and base64 text on the wire; msgspec converts in the same pass. Optional
fields (those with a default) are the ones added by part 2 of the contract: absent means a plain v1 peer.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

type_field = "type"

NonEmpty = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0)]
# What a peer counts has to fit where it is recorded, in 64 bits.
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
AudioFormat = Literal["pcm16_wav"]
Channels = Literal[1, 2]
ErrorCode = Literal["bad_request", "backpressure", "resume_not_available", "internal_error"]

ERROR_CODES: tuple[ErrorCode, ...] = ("bad_request", "backpressure", "resume_not_available", "internal_error")


class Start(Struct, frozen=True, tag="start", tag_field=type_field):
    """Opens a session, or attaches this connection to a live one of the same id."""

    session_id: NonEmpty
    audio_format: AudioFormat
    sample_rate: Annotated[int, Meta(gt=0)]
    channels: Channels


class TextDelta(Struct, frozen=True, tag="text_delta", tag_field=type_field):
    """One or many units of text."""

    session_id: NonEmpty
    seq: int
    text: NonEmpty


class TextEnd(Struct, frozen=True, tag="text_end", tag_field=type_field):
    """No more text will come."""

    session_id: NonEmpty
    seq: int


class Cancel(Struct, frozen=True, tag="cancel", tag_field=type_field):
    """Stop now."""

    session_id: NonEmpty
    seq: int


class Resume(Struct, frozen=True, tag="resume", tag_field=type_field):
    """On a new connection: replay what came after this unit (-1: nothing was received)."""

    session_id: NonEmpty
    last_unit_index_received: Annotated[int, Meta(ge=-1)]


ClientMessage = Start | TextDelta | TextEnd | Cancel | Resume


class StartAck(Struct, frozen=True, omit_defaults=True, tag="start_ack", tag_field=type_field):
    """The session is open. What has a default is an added field of part 2.

    `text_ended` tells a returning client whether its `text_end` arrived; None: this gateway does not say.
    `unit_tone` names the layout in which the dummy engine writes each unit's identity into its tone
    (`protocol.tone`), and `unit_audio_ms` how long that tone is.
    """

    session_id: str
    audio_format: str
    sample_rate: int
    channels: int
    ttl_s: float
    wav_header: bytes = field(name="wav_header_base64")
    resumed: bool = False
    units_accepted: Count | None = None
    text_ended: bool | None = None
    unit_tone: str = ""
    unit_audio_ms: int = 0


class AudioChunk(Struct, frozen=True, tag="audio_chunk", tag_field=type_field):
    """Raw s16le PCM for the units `unit_index_start` to `unit_index_end`, both included."""

    session_id: str
    seq: int
    chunk_seq: Int64
    unit_index_start: Int64
    unit_index_end: Int64
    units_text: str
    audio_format: str
    sample_rate: int
    channels: int
    audio: bytes = field(name="audio_base64")


class TtsEnd(Struct, frozen=True, tag="tts_end", tag_field=type_field):
    """All audio was sent, or the session was cancelled; the server closes now."""

    session_id: str
    seq: int
    cancelled: bool


class Error(Struct, frozen=True, tag="error", tag_field=type_field):
    """The session failed; the server closes now. `code` should be one of `ERROR_CODES`."""

    session_id: str
    seq: int
    code: str
    message: str


ServerMessage = StartAck | AudioChunk | TtsEnd | Error
