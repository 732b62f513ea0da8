"""Phases and failures of SGLang's start, each from a log written for it; old and new wordings alike."""

from datetime import UTC, datetime

import pytest

from pytest_wdtts.doctor.container_checks import LONG_PHASE_S, judge_startup
from pytest_wdtts.doctor.finding import Severity
from pytest_wdtts.stack import read_startup, startup_table

STAMP = "[2026-03-01 10:00:00 TP0] "
UP_TO_WEIGHTS = STAMP + "server_args=ServerArgs(model_path='m')\n" + STAMP + "Load weight begin. avail mem=7.20 GB\n"

PHASES = [
    ("process", "server_args=ServerArgs(model_path='m')"),
    ("process", "Init torch distributed begin."),
    ("process", "Init parallel ends. elapsed=0.31 s"),
    ("snapshot", "Found local HF snapshot at /root/.cache; skipping download."),
    ("snapshot", "Fetching 12 files:  25%|##"),
    ("snapshot", "model-00001-of-00002.safetensors:  45%|####   | 2.2G/4.9G"),
    ("weights", "Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:01<00:01]"),
    ("weights", "Multi-thread loading shards:   0% Completed | 0/2"),
    ("weights", "Load weight end. type=LlamaForCausalLM, mem usage=6.02 GB."),
    ("kv_cache", "Using KV cache dtype: torch.float8_e4m3fn"),
    ("kv_cache", "KV Cache is allocated. #tokens: 4096, K size: 0.2 GB"),
    ("kv_cache", "Memory pool end. avail mem=0.50 GB"),
    ("cuda_graph", "Capture cuda graph begin. This can take up to several minutes."),
    ("cuda_graph", "Capturing batches (bs=8 avail_mem=0.44 GB):  25%"),
    ("cuda_graph", "Capture target decode CUDA graph begin. avail mem=0.5 GB"),
    ("ready", "Uvicorn running on http://0.0.0.0:30000 (Press CTRL+C to quit)"),
    ("ready", "The server is fired up and ready to roll!"),
]

FAILURES = [
    (
        "token_rejected",
        "huggingface_hub.errors.HfHubHTTPError: 401 Client Error: Unauthorized for url: https://huggingface.co/api",
    ),
    (
        "token_rejected",
        "Access to model meta-llama/Llama-3.2-3B is restricted. You must be authenticated to access it.",
    ),
    ("token_rejected", "Cannot access gated repo. 401 Client Error. huggingface.co/google/gemma-2b"),
    (
        "gated_forbidden",
        "403 Client Error: Forbidden. Cannot access gated repo for url https://huggingface.co/google/gemma",
    ),
    ("gated_forbidden", "Access to model x is restricted and you are not in the authorized list."),
    (
        "repository_missing",
        "RepositoryNotFoundError: 401 Client Error. Repository Not Found for url: https://huggingface.co/x",
    ),
    (
        "repository_missing",
        "OSError: twinkle/nope is not a local folder and is not a valid model identifier listed on hf",
    ),
    ("repository_missing", "404 Client Error: Not Found for url: https://huggingface.co/a/b/resolve/main/config.json"),
    ("disk_full", "OSError: [Errno 28] No space left on device"),
    ("hub_unreachable", "ConnectionError: HTTPSConnectionPool: Max retries exceeded, host='huggingface.co', port=443"),
    ("hub_unreachable", "LocalEntryNotFoundError: cannot find the requested files in the disk cache"),
    ("no_gpu", "RuntimeError: No CUDA GPUs are available"),
    ("no_gpu", "RuntimeError: Found no NVIDIA driver on your system."),
    ("fp8_unsupported", "ValueError: fp8e4nv data type is fp8 and not supported on this architecture"),
    ("graph_capture_failed", "Exception: Capture cuda graph failed: CUDA out of memory. Tried to allocate 20 MiB"),
    ("graph_capture_failed", "Exception: Capture CUDA graph failed. 1. set --mem-fraction-static to a smaller value"),
    ("kv_cache_too_small", "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static."),
    ("cuda_out_of_memory", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB."),
    ("cuda_out_of_memory", "torch.cuda.OutOfMemoryError: CUDA error: out of memory"),
    ("killed", "subprocess ended with exit code -9"),
    ("port_taken", "[Errno 98] error while attempting to bind on address: address already in use"),
    ("engine_failed", "reference_gateway: the piper engine cannot start: there is no file /v.onnx"),
    ("wrong_setting", "reference_gateway: WS_TTS_PORT='x': expected a whole number from 0 to 65535"),
]


@pytest.mark.parametrize(("phase", "line"), PHASES)
def test_a_line_names_its_phase(phase: str, line: str) -> None:
    read = read_startup(STAMP + line)
    assert read.phase == phase
    assert read.failure == ""
    assert read_startup((STAMP + line).upper().replace("T", "T")).phase == phase


@pytest.mark.parametrize(("failure", "line"), FAILURES)
def test_a_line_names_its_failure_with_advice(failure: str, line: str) -> None:
    read = read_startup(UP_TO_WEIGHTS + STAMP + line)
    assert read.failure == failure
    assert read.proof[-1].endswith(line)
    assert read.cause
    assert read.next
    assert not read.ready


def test_every_phase_and_failure_of_the_table_has_a_log_here() -> None:
    table = startup_table()
    assert {phase.name for phase in table.phase} == {phase for phase, _ in PHASES}
    assert {failure.name for failure in table.failure} == {failure for failure, _ in FAILURES}


def test_advice_goes_opposite_ways_for_the_two_kinds_of_memory() -> None:
    too_small = read_startup("RuntimeError: Not enough memory.")
    graph = read_startup("Capture cuda graph failed: CUDA out of memory")
    assert "0.98" in too_small.next
    assert "lower SGLANG_MEM_FRACTION_STATIC" in graph.next


def test_shards_and_the_time_in_the_phase() -> None:
    log = (
        "[2026-03-01 10:00:00] server_args=ServerArgs()\n"
        "[2026-03-01 10:00:10] Load weight begin. avail mem=7.20 GB\n"
        "Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:01<00:01]\n"
    )
    read = read_startup(log, datetime(2026, 3, 1, 10, 1, 0, tzinfo=UTC))
    assert (read.phase, read.shards, read.since_s) == ("weights", "1/2", 50.0)


def test_a_restarted_container_is_judged_by_its_last_start() -> None:
    log = "server_args=A\nRuntimeError: Not enough memory\nserver_args=B\nUsing KV cache dtype: fp8_e4m3\n"
    read = read_startup(log)
    assert (read.phase, read.failure) == ("kv_cache", "")


def test_words_of_an_earlier_trouble_do_not_spoil_a_start_that_came_through() -> None:
    read = read_startup("server_args=A\nWARNING 401 Client Error, huggingface, retrying\nfired up and ready to roll\n")
    assert read.ready


@pytest.mark.parametrize("log", ["", "\n\n", "nothing of note", "\x00\ufffd"])
def test_a_log_that_says_nothing_is_unknown(log: str) -> None:
    read = read_startup(log)
    assert read.phase == ""
    assert judge_startup("llm", read).severity is Severity.UNKNOWN


def test_a_phase_that_lasts_is_a_warning_and_then_broken() -> None:
    began = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)
    log = STAMP + "Capture cuda graph begin."
    early = judge_startup("llm", read_startup(log, began.replace(minute=1)))
    late = judge_startup("llm", read_startup(log, began.replace(hour=10 + 1 + int(LONG_PHASE_S // 3600))))
    assert early.severity is Severity.WARNING
    assert "for 60 s" in early.said
    assert "too high" in early.said
    assert late.severity is Severity.BROKEN
