"""Real speech: espeak's voice, piper's real code path with a toy voice, and starts that fail with their reason."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import numpy as np
import psutil
import pytest

from reference_gateway.engines.espeak import CHINESE, ENGLISH, LoadEspeak, runs
from reference_gateway.engines.piper import LoadPiper
from reference_gateway.engines.pool import Pool, resample
from tests.services import gateway

TOY_RATE_HZ = 22_050
T = TypeVar("T")


def with_engine(pool: Pool, work: Callable[[Pool], Awaitable[T]]) -> T:
    async def run() -> T:
        await pool.start()
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


def loudness(pcm: bytes) -> float:
    return float(np.abs(np.frombuffer(pcm, "<i2").astype(np.float64)).max())


def test_espeak_speaks_both_languages_at_the_rate_asked_for() -> None:
    async def speak(pool: Pool) -> dict[str, bytes]:
        return {
            "chinese": await pool.synthesise("今天天氣很好。", 0, 16_000, 1),
            "english": await pool.synthesise("The weather is fine.", 0, 16_000, 1),
            "slow rate": await pool.synthesise("今天天氣很好。", 0, 8_000, 1),
            "stereo": await pool.synthesise("今天天氣很好。", 0, 16_000, 2),
            "longer": await pool.synthesise("今天天氣很好，我們去公園走走，再去吃飯。", 0, 16_000, 1),
        }

    pool = Pool("espeak", LoadEspeak(), 1)
    said = with_engine(pool, speak)
    assert pool.native_rate_hz == 22_050
    assert all(loudness(pcm) > 1000 for pcm in said.values())
    seconds = len(said["chinese"]) / 2 / 16_000
    # Seven syllables: nobody says them in half a second, nobody takes five.
    assert 0.5 < seconds < 5
    assert len(said["slow rate"]) / 2 / 8_000 == pytest.approx(seconds, rel=0.1)
    assert len(said["stereo"]) == pytest.approx(2 * len(said["chinese"]), rel=0.1)
    assert len(said["longer"]) > 1.5 * len(said["chinese"])
    left, right = np.frombuffer(said["stereo"], "<i2").reshape(-1, 2).T
    assert np.array_equal(left, right)


@pytest.mark.parametrize("text", ["。", " ", "\n", "\x00", "\ud800", "🙂", "<speak>", "你\x00好"])
def test_odd_text_harms_nobody_and_is_never_without_audio(espeak: Pool, text: str) -> None:
    pcm = asyncio.run(_say_once(espeak, text))
    assert len(pcm) > 0
    assert len(pcm) % 2 == 0


@pytest.fixture(scope="module")
def espeak() -> Pool:
    return Pool("espeak", LoadEspeak(), 1)


async def _say_once(pool: Pool, text: str) -> bytes:
    try:
        return await pool.synthesise(text, 0, 16_000, 1)
    finally:
        await pool.close()


def test_runs_split_by_script() -> None:
    assert runs("你好 world，再見") == [(CHINESE, "你好 "), (ENGLISH, "world"), (CHINESE, "，再見")]
    assert runs("Hello there.") == [(ENGLISH, "Hello there.")]
    assert runs("  ") == []


def test_a_crashed_worker_costs_one_chunk_and_no_more() -> None:
    async def crash(pool: Pool) -> bytes:
        for child in psutil.Process().children(recursive=True):
            if any("spawn_main" in word for word in child.cmdline()):
                child.kill()
        with pytest.raises(BrokenProcessPool):
            await pool.synthesise("你好。", 0, 16_000, 1)
        return await pool.synthesise("你好。", 0, 16_000, 1)

    assert loudness(with_engine(Pool("espeak", LoadEspeak(), 1), crash)) > 1000


class Workers(Executor):
    """Workers whose calls end when a test says so."""

    def __init__(self) -> None:
        self.calls: list[Future[Any]] = []

    def submit(self, *work: Any, **arguments: Any) -> Future[Any]:
        self.calls.append(Future())
        return self.calls[-1]


@pytest.mark.asyncio
async def test_two_chunks_lost_in_one_crash_cost_no_new_workers() -> None:
    pool, broken, new = Pool("espeak", LoadEspeak(), 2), Workers(), Workers()
    pool._pool = cast(Any, broken)
    chunks = [asyncio.create_task(pool.synthesise("你好。", 0, 16_000, 1)) for _ in range(2)]
    await asyncio.sleep(0)
    for call, left in zip(broken.calls, (None, new), strict=True):
        call.set_exception(BrokenProcessPool())
        with pytest.raises(BrokenProcessPool):
            await chunks.pop(0)
        assert pool._pool is left
        pool._pool = cast(Any, new)


def test_resampling_keeps_the_tone_and_folds_nothing_back() -> None:
    seconds = np.arange(22_050) / 22_050
    kept, barred = (np.rint(10_000 * np.sin(2 * np.pi * hertz * seconds)).astype(np.int16) for hertz in (1000, 9000))
    spectrum = np.abs(np.fft.rfft(resample(kept, 22_050, 16_000)))
    assert int(spectrum.argmax()) == 1000
    # 9 kHz is above half of 16 kHz: it must go, not come back as 7 kHz.
    assert np.abs(resample(barred, 22_050, 16_000)[2000:-2000]).max() < 500


@pytest.fixture
def toy_voice(tmp_path: Path) -> Path:
    """A voice that gives each phoneme 256 samples whose value is its number: small, and no mistake possible."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "m"])
    constants = {
        "hundred": np.array(100, np.float32),
        "columns": np.array([1, -1, 1], np.int64),
        "repeats": np.array([1, 1, 256], np.int64),
        "flat": np.array([1, 1, -1], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["input"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["numbers", "hundred"], ["small"]),
        helper.make_node("Reshape", ["small", "columns"], ["column"]),
        helper.make_node("Tile", ["column", "repeats"], ["tiled"]),
        helper.make_node("Reshape", ["tiled", "flat"], ["output"]),
    ]
    initial = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "toy", inputs, [output], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    path = tmp_path / "toy.onnx"
    onnx.save(model, str(path))
    phonemes = "_^$ abcdefghijklmnopqrstuvwxyz.,ɛəɹʊoʊlˈ"
    config = {
        "num_symbols": len(phonemes),
        "num_speakers": 1,
        "audio": {"sample_rate": TOY_RATE_HZ},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "phoneme_id_map": {phoneme: [number] for number, phoneme in enumerate(phonemes)},
    }
    Path(f"{path}.json").write_text(json.dumps(config), encoding="utf-8")
    return path


def test_piper_runs_its_real_code_path(toy_voice: Path) -> None:
    async def speak(pool: Pool) -> bytes:
        return await pool.synthesise("Hello.", 0, TOY_RATE_HZ, 1)

    pool = Pool("piper", LoadPiper(str(toy_voice)), 1)
    pcm = with_engine(pool, speak)
    assert pool.native_rate_hz == TOY_RATE_HZ
    assert len(pcm) % (2 * 256) == 0
    assert loudness(pcm) > 1000


def test_a_gateway_with_piper_names_its_engine_and_rate(toy_voice: Path) -> None:
    with gateway(WS_TTS_ENGINE="piper", WS_TTS_PIPER_VOICE=str(toy_voice), WS_TTS_SPEECH_WORKERS="1") as service:
        health = httpx.get(f"{service.http}/healthz", trust_env=False).json()
    assert (health["engine"], health["engine_resolved"]) == ("piper", "piper")
    assert health["engine_sample_rate"] == TOY_RATE_HZ
    assert 16_000 in health["sample_rates"]


def test_workers_end_with_their_gateway_even_where_it_was_killed() -> None:
    with gateway(WS_TTS_ENGINE="espeak", WS_TTS_SPEECH_WORKERS="2") as service:
        children = psutil.Process(service.pid).children(recursive=True)
        assert len(children) >= 2
        os.kill(service.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []


def broken_voice(toy: Path) -> str:
    broken = toy.with_name("broken.onnx")
    broken.write_bytes(b"no model")
    Path(f"{broken}.json").write_text(Path(f"{toy}.json").read_text(encoding="utf-8"), encoding="utf-8")
    return str(broken)


@pytest.mark.parametrize(
    ("voice", "words"),
    [
        (lambda toy: "", "set WS_TTS_PIPER_VOICE"),
        (lambda toy: "/nowhere/voice.onnx", "there is no file /nowhere/voice.onnx"),
        (broken_voice, "cannot be loaded"),
    ],
    ids=["none", "missing", "broken"],
)
def test_an_engine_that_cannot_start_fails_the_start(toy_voice: Path, voice: Callable[[Path], str], words: str) -> None:
    settings = {"WS_TTS_ENGINE": "piper", "WS_TTS_PIPER_VOICE": voice(toy_voice), "WS_TTS_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "reference_gateway"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert "the piper engine cannot start" in done.stderr
    assert words in done.stderr
    assert "listening" not in done.stdout
