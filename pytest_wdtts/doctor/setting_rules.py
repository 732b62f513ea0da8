"""The settings of the guide: which are missing, dangerous, or too much for the GPU. A table of small rules."""

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from .finding import Finding, Severity
from .scene import Scene

BROKEN, WARNING = Severity.BROKEN, Severity.WARNING
_KV_TYPES = ("auto", "fp8_e5m2", "fp8_e4m3", "bf16", "bfloat16", "fp4_e2m1")
_GATED = re.compile(r"llama|gemma", re.IGNORECASE)
_LOCAL = ("127.0.0.1", "localhost", "::1", "")
SMALL_GPU_GB = 10.0

Complaint = tuple[Severity, str, str]
"""How bad, what is wrong, what to set instead."""
Rule = Callable[[str, Scene], Complaint | None]


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _token(value: str, scene: Scene) -> Complaint | None:
    model = scene.setting("SGLANG_MODEL")
    if not value and _GATED.search(model):
        return (
            WARNING,
            f"is empty, and {model} is of a family that is gated",
            "HF_TOKEN=hf_... (with access to the model)",
        )
    if value and not re.fullmatch(r"hf_[A-Za-z0-9]{16,}", value):
        return WARNING, "does not look like a Hugging Face token (hf_ and letters or digits)", "HF_TOKEN=hf_..."
    return None


def _model(value: str, scene: Scene) -> Complaint | None:
    good = "SGLANG_MODEL=twinkle-ai/Llama-3.2-3B-F1-Instruct"
    if not value:
        return BROKEN, "is missing", good
    if not value.startswith(("/", ".")) and not re.fullmatch(r"[\w.-]+/[\w.-]+", value):
        return BROKEN, f"is {value!r}: neither a path nor OWNER/NAME", good
    if "gguf" in value.lower():
        return (
            WARNING,
            "is a GGUF quantisation: some repeat characters or tokens (guide 5.5)",
            f"{good}, and wdtts doctor --ab-model",
        )
    return None


def _length(value: str, scene: Scene) -> Complaint | None:
    number = _number(value)
    good = "MAX_MODEL_LEN=2048"
    if not value:
        return WARNING, "is missing: the model's own maximum needs a KV cache that a small GPU cannot hold", good
    if number is None or number < 1 or number != int(number):
        return BROKEN, f"is {value!r}: a whole number of tokens is needed", good
    if number > 4096 and scene.gpu_gb <= SMALL_GPU_GB:
        return WARNING, f"is {value}: much for {scene.gpu_gb:g} GB", f"{good} (raise it once it is stable)"
    return None


def _fraction(value: str, scene: Scene) -> Complaint | None:
    number = _number(value)
    good = "SGLANG_MEM_FRACTION_STATIC=0.95 (then 0.98)"
    if value and (number is None or not 0 < number <= 1):
        return BROKEN, f"is {value!r}: a share from 0 to 1 is needed", good
    if scene.gpu_gb <= SMALL_GPU_GB and (number is None or number < 0.9):
        return WARNING, f"is {value or 'missing'}: the KV cache may not fit into {scene.gpu_gb:g} GB", good
    return None


def _kv_type(value: str, scene: Scene) -> Complaint | None:
    good = "SGLANG_KV_CACHE_DTYPE=fp8_e4m3"
    if value and value not in _KV_TYPES:
        return BROKEN, f"is {value!r}: one of {', '.join(_KV_TYPES)} is needed", good
    if scene.gpu_gb <= SMALL_GPU_GB and not value.startswith("fp"):
        return WARNING, f"is {value or 'missing'}: fp8 halves the KV cache on {scene.gpu_gb:g} GB", good
    return None


def _truncate(value: str, scene: Scene) -> Complaint | None:
    if value.lower() not in ("1", "true"):
        return (
            WARNING,
            "is off: a prompt that is too long gets a 400 and the page stays empty",
            "SGLANG_ALLOW_AUTO_TRUNCATE=1",
        )
    return None


def _total(value: str, scene: Scene) -> Complaint | None:
    number, length = _number(value), _number(scene.setting("MAX_MODEL_LEN"))
    good = "SGLANG_MAX_TOTAL_TOKENS=4096"
    if value and (number is None or number < 1):
        return BROKEN, f"is {value!r}: a whole number of tokens is needed", good
    if not value:
        return WARNING, "is missing: the token budget is left to chance", good
    if number is not None and length is not None and number < length:
        return BROKEN, f"is {value}, below MAX_MODEL_LEN={length:g}: a full prompt never fits", good
    return None


def _key(value: str, scene: Scene) -> Complaint | None:
    address = scene.setting("PUBLISH_ADDRESS")
    if not value and address not in _LOCAL:
        return WARNING, f"is empty while ports are published on {address}: anybody may use it", "a long random value"
    return None


_GPU_RULES: dict[str, Rule] = {
    "HF_TOKEN": _token,
    "SGLANG_MODEL": _model,
    "MAX_MODEL_LEN": _length,
    "SGLANG_MEM_FRACTION_STATIC": _fraction,
    "SGLANG_KV_CACHE_DTYPE": _kv_type,
    "SGLANG_ALLOW_AUTO_TRUNCATE": _truncate,
    "SGLANG_MAX_TOTAL_TOKENS": _total,
}
_KEY_RULES: dict[str, Rule] = dict.fromkeys(("WS_TTS_API_KEY", "SGLANG_API_KEY", "ORCHESTRATOR_API_KEY"), _key)
KNOWN = (
    *_GPU_RULES,
    *_KEY_RULES,
    *("COMPOSE_PROFILES", "WS_TTS_ENGINE", "WS_TTS_VERSION", "WS_TTS_PIPER_VOICE", "WS_TTS_SPEECH_WORKERS"),
    *("WS_TTS_DRAIN_GRACE_S", "MAX_NEW_TOKENS", "SGLANG_TAG", "SGLANG_MODELS_DIR", "SGLANG_START_PERIOD"),
    *("PUBLISH_ADDRESS", "WS_TTS_HOST_PORT", "WS_TTS_REPLICAS_HOST_PORT", "SGLANG_HOST_PORT"),
    *("ORCHESTRATOR_HOST_PORT", "WEB_HOST_PORT", "WDTTS_BASE_IMAGE", "SERVICE_MEMORY", "SERVICE_CPU_QUOTA_US"),
    *("HEALTH_INTERVAL", "HEALTH_START_PERIOD", "SGLANG_BASE_URL", "STUB_LLM_DEFECT", "STUB_LLM_START_S"),
    *("WS_TTS_UNIT_AUDIO_MS", "WS_TTS_UNSENT_BYTES"),
)


def look_at_settings(scene: Scene) -> Iterator[Finding]:
    """Check `.env`: present, no name misspelt, no value missing or dangerous."""
    if not scene.settings:
        yield Finding(
            "settings",
            str(scene.env_file),
            WARNING,
            "there is no such file, or nothing in it",
            (),
            "cp ci/.env.example ci/.env",
        )
        return
    found = list(_complaints(scene))
    found += [
        (name, (WARNING, f"is no setting; {close[0]} is", f"rename it to {close[0]}"))
        for name in scene.settings
        if name not in KNOWN and (close := get_close_matches(name, KNOWN, 1, 0.8))
    ]
    for name, (severity, said, good) in found:
        yield Finding("settings", name, severity, f"{name} {said}", (f"in {scene.env_file}",), good)
    if not found:
        yield Finding(
            "settings", str(scene.env_file), Severity.OK, f"{len(scene.settings)} settings, none of them wrong"
        )


def _complaints(scene: Scene) -> Iterator[tuple[str, Complaint]]:
    on_gpu = "gpu" in scene.setting("COMPOSE_PROFILES")
    for name, rule in ((_GPU_RULES if on_gpu else {}) | _KEY_RULES).items():
        if complaint := rule(scene.setting(name), scene):
            yield name, complaint
