"""Settings of the stub, named as SGLang's in the operator's `.env` where there is such a one."""

from typing import Literal

from msgspec import Struct, field

Defect = Literal["", "empty", "error_mid_stream", "garble", "http_500", "silence", "stream_cut"]
DEFECTS: tuple[Defect, ...] = ("empty", "error_mid_stream", "garble", "http_500", "silence", "stream_cut")


class Settings(Struct, frozen=True, kw_only=True):
    """`max_model_len` counts tokens; a token of the stub is one character."""

    host: str = field(default="0.0.0.0", name="STUB_LLM_HOST")
    port: int = field(default=30000, name="STUB_LLM_PORT")
    model: str = field(default="stub-llm", name="SGLANG_MODEL")
    api_key: str = field(default="", name="SGLANG_API_KEY")
    max_model_len: int = field(default=2048, name="MAX_MODEL_LEN")
    auto_truncate: bool = field(default=False, name="SGLANG_ALLOW_AUTO_TRUNCATE")
    tokens_per_s: float = field(default=60.0, name="STUB_LLM_TOKENS_PER_S")
    start_s: float = field(default=0.0, name="STUB_LLM_START_S")
    """How long `/health` answers 503, as the real one does while it loads."""
    defect: Defect = field(default="", name="STUB_LLM_DEFECT")
