"""Settings of the orchestrator, one environment variable each."""

from msgspec import Struct, field


class Settings(Struct, frozen=True, kw_only=True):
    """Times are seconds. `llm_idle_s` bounds the silence between two pieces of an answer, the first included."""

    host: str = field(default="0.0.0.0", name="ORCHESTRATOR_HOST")
    port: int = field(default=9100, name="ORCHESTRATOR_PORT")
    api_key: str = field(default="", name="ORCHESTRATOR_API_KEY")
    version: str = field(default="0.1.0", name="ORCHESTRATOR_VERSION")
    llm_url: str = field(default="http://localhost:8082", name="SGLANG_BASE_URL")
    llm_api_key: str = field(default="", name="SGLANG_API_KEY")
    model: str = field(default="stub-llm", name="SGLANG_MODEL")
    max_new_tokens: int = field(default=512, name="MAX_NEW_TOKENS")
    llm_idle_s: float = field(default=60.0, name="ORCHESTRATOR_LLM_IDLE_S")
    tts_url: str = field(default="ws://localhost:9000/tts", name="WS_TTS_URL")
    tts_api_key: str = field(default="", name="WS_TTS_API_KEY")
    connect_s: float = field(default=10.0, name="ORCHESTRATOR_CONNECT_S")
    request_s: float = field(default=30.0, name="ORCHESTRATOR_REQUEST_S")
    """How long a client may take to say what it wants."""
