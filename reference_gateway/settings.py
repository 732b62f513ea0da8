"""Every setting of the gateway: one environment variable each, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

KIB = 1024
MIB = 1024 * KIB


class WrongSetting(ValueError):
    """A variable holds what it cannot hold; the text names it, the value seen and the valid range."""


def _text(variable: str, default: str) -> Any:
    return field(default=default, metadata={"variable": variable})


def _number(variable: str, default: float, low: float, high: float, step: int = 1) -> Any:
    kind = type(default)
    return field(
        default=default,
        metadata={"variable": variable, "kind": kind, "low": low, "high": high, "step": step},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Bytes of audio are raw PCM, before base64; times are seconds unless the name says otherwise."""

    host: str = _text("WS_TTS_HOST", "0.0.0.0")
    port: int = _number("WS_TTS_PORT", 9000, 0, 65535)
    """0 picks a free port; the line printed at start says which."""
    engine: str = _text("WS_TTS_ENGINE", "dummy")
    version: str = _text("WS_TTS_VERSION", "0.1.0")
    api_key: str = _text("WS_TTS_API_KEY", "")
    """Empty: no key is asked."""

    unit_audio_ms: int = _number("WS_TTS_UNIT_AUDIO_MS", 40, 40, 60_000, step=40)
    """How long the dummy engine's tone of one unit is."""
    speech_workers: int = _number("WS_TTS_SPEECH_WORKERS", 2, 1, 64)
    """Processes that the espeak and piper engines speak in."""
    piper_voice: str = _text("WS_TTS_PIPER_VOICE", "")
    """Path of the piper engine's .onnx file."""

    ttl_s: float = _number("WS_TTS_TTL_S", 120.0, 0.05, 86_400)
    """How long the session of an absent client is kept."""
    cache_chunks: int = _number("WS_TTS_CACHE_CHUNKS", 512, 0, 1_000_000)
    cache_bytes: int = _number("WS_TTS_CACHE_BYTES", 2 * MIB, 0, 1024 * MIB)
    """The cache window: what one session keeps of the audio already sent, for `resume`."""
    total_cache_bytes: int = _number("WS_TTS_TOTAL_CACHE_BYTES", 512 * MIB, 0, 64 * 1024 * MIB)
    """The same for all sessions together: over it, the session with the most loses the older half of its own."""

    unsent_chunks: int = _number("WS_TTS_UNSENT_CHUNKS", 16, 1, 1_000_000)
    unsent_bytes: int = _number("WS_TTS_UNSENT_BYTES", 512 * KIB, 1, 1024 * MIB)
    """Synthesis of one session pauses while this much of its audio waits for the socket."""
    total_unsent_bytes: int = _number("WS_TTS_TOTAL_UNSENT_BYTES", 256 * MIB, 1, 64 * 1024 * MIB)
    """The same for all sessions together: over it, the session with most of it gets `backpressure`."""
    stall_s: float = _number("WS_TTS_STALL_S", 3.0, 0.05, 3600)
    stall_bytes: int = _number("WS_TTS_STALL_BYTES", 4 * KIB, 1, 1024 * MIB)
    """A paused session whose socket took less than `stall_bytes` in `stall_s` gets `backpressure`."""
    max_pending_text: int = _number("WS_TTS_MAX_PENDING_TEXT", 200_000, 24, 100_000_000)
    """Units that may wait for synthesis in one session; more is `backpressure` too."""
    send_buffer_bytes: int = _number("WS_TTS_SEND_BUFFER_BYTES", 64 * KIB, 4 * KIB, 64 * MIB)
    """SO_SNDBUF of each connection, and as much again in user space. The kernel's own choice hides 4 MB."""

    max_message_bytes: int = _number("WS_TTS_MAX_MESSAGE_BYTES", MIB, KIB, 256 * MIB)
    start_timeout_s: float = _number("WS_TTS_START_TIMEOUT_S", 30.0, 0.05, 3600)
    """How long a connection may stay in WAIT_START."""
    close_grace_s: float = _number("WS_TTS_CLOSE_GRACE_S", 15.0, 0.05, 600)
    """How long a closed connection may take to read its last frames before it is cut. Long enough for a slow
    reader that pauses for ten seconds to learn of its `backpressure`: a cut would take the frame from it."""
    drain_grace_s: float = _number("WS_TTS_DRAIN_GRACE_S", 30.0, 0, 3600)
    """After SIGTERM: how long live sessions may take to finish."""
    sweep_s: float = _number("WS_TTS_SWEEP_S", 0.25, 0.005, 60)
    """How often stalls and expired sessions are looked for: the precision of `stall_s` and `ttl_s`."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that `environment` asks for. Raises `WrongSetting`."""
    values: dict[str, Any] = {}
    for one in fields(Settings):
        variable = one.metadata["variable"]
        if variable in environment:
            seen = environment[variable]
            values[one.name] = _read_number(seen, one.metadata) if "kind" in one.metadata else seen
    return Settings(**values)


def _read_number(seen: str, rule: Mapping[str, Any]) -> float:
    low, high, step = rule["low"], rule["high"], rule["step"]
    try:
        value: float = rule["kind"](seen)
    except ValueError:
        value = float("nan")
    # Written so that NaN is refused as well.
    if low <= value <= high and (step == 1 or value % step == 0):
        return value
    noun = "a whole number" if rule["kind"] is int else "a number"
    multiple = f", a multiple of {step}" if step != 1 else ""
    raise WrongSetting(f"{rule['variable']}={seen!r}: expected {noun} from {low} to {high}{multiple}")
