"""What the orchestrator hears and says of its own; the gateway's messages pass through as they are."""

from typing import Annotated, Literal
from uuid import uuid4

from msgspec import Meta, Struct, field

NonEmpty = Annotated[str, Meta(min_length=1)]
ErrorCode = Literal[
    "bad_request",
    "llm_bad_request",
    "llm_broken",
    "llm_empty",
    "llm_failed",
    "llm_timeout",
    "llm_unauthorized",
    "llm_unreachable",
    "tts_broken",
    "tts_refused",
    "tts_unreachable",
]


class ChatRequest(Struct, frozen=True):
    """The one JSON object that opens a chat."""

    prompt: NonEmpty
    session_id: NonEmpty = field(default_factory=lambda: uuid4().hex)
    audio_format: Literal["pcm16_wav"] = "pcm16_wav"
    sample_rate: Annotated[int, Meta(gt=0)] = 16000
    channels: Literal[1, 2] = 1


class OrchestratorStart(Struct, frozen=True, tag="orchestrator_start"):
    """The request was understood."""

    session_id: str
    model: str


class LlmDelta(Struct, frozen=True, tag="llm_delta"):
    """A piece of the LLM's text, as it came."""

    delta: str


class LlmDone(Struct, frozen=True, tag="llm_done"):
    """The LLM said all; audio may still follow."""

    elapsed_ms: float
    full_text_len: int


class OrchestratorError(Struct, frozen=True, tag="orchestrator_error"):
    """The chat failed; the orchestrator closes now."""

    code: ErrorCode
    message: str


class ChatFailed(Exception):
    """Ends a chat with an `orchestrator_error`."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
