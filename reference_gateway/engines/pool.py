"""Real speech from a pool of processes: a voice computes for long, and two in one process crash the library."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context, parent_process
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from . import EngineFailed

Samples = npt.NDArray[np.int16]
SAMPLE_RATES_HZ = frozenset({8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000})
START_LIMIT_S = 60.0
_SILENCE_S_PER_UNIT = 0.04


class Voice(Protocol):
    """A loaded voice; it lives in one process and is never shared."""

    sample_rate_hz: int

    def speak(self, text: str) -> Samples:
        """Return the speech in mono; empty where the text has no sound, such as a lone mark."""


T = TypeVar("T")
Load = Callable[[], Voice]
"""Loads a voice in the worker: hashable, and it has to be pickled. Raises `EngineFailed`."""


class Pool:
    """An engine whose voices run in `workers` processes. A worker that crashes costs the chunk it was at."""

    unit_tone = ""
    unit_audio_ms = 0
    sample_rates = SAMPLE_RATES_HZ

    def __init__(self, name: str, load: Load, workers: int) -> None:
        self.name = name
        self.native_rate_hz = 0
        self._load = load
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    async def start(self) -> None:
        """Load the voice in every worker. Raises `EngineFailed` with the reason."""
        try:
            async with asyncio.timeout(START_LIMIT_S):
                rates = await asyncio.gather(*(self._run(_rate, self._load) for _ in range(self._workers)))
        except BrokenProcessPool:
            await self.close()
            raise EngineFailed("its process died while it loaded the voice") from None
        except TimeoutError:
            await self.close()
            raise EngineFailed(f"the voice was not loaded within {START_LIMIT_S:g} s") from None
        except EngineFailed:
            await self.close()
            raise
        self.native_rate_hz = rates[0]

    async def synthesise(self, text: str, first_unit: int, sample_rate: int, channels: int) -> bytes:
        """Return speech at the rate asked for. Raises `BrokenProcessPool` where the worker crashed."""
        pool = self._alive()
        try:
            return await self._run(_say, self._load, text, sample_rate, channels)
        except BrokenProcessPool:
            if self._pool is pool:  # Who hears of the same crash later must not throw the new workers away.
                self._pool = None
            raise

    async def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._alive(), work, *arguments)

    def _alive(self) -> ProcessPoolExecutor:
        """The workers; new ones where the last were lost."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, get_context("spawn"), initializer=_outlive_nobody)
        return self._pool


def _outlive_nobody() -> None:
    """Leave Ctrl-C to the gateway, and die with it even where it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


@cache
def _voice(load: Load) -> Voice:
    return load()


def _rate(load: Load) -> int:
    return _voice(load).sample_rate_hz


def _say(load: Load, text: str, sample_rate_hz: int, channels: int) -> bytes:
    voice = _voice(load)
    samples = voice.speak(text.replace("\0", " ").encode("utf-8", "replace").decode())
    if not len(samples):
        samples = np.zeros(round(_SILENCE_S_PER_UNIT * len(text) * voice.sample_rate_hz), np.int16)
    samples = resample(samples, voice.sample_rate_hz, sample_rate_hz)
    pcm: bytes = np.repeat(samples, channels).astype("<i2", copy=False).tobytes()
    return pcm


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Return the same sound at another rate, filtered so that nothing folds back."""
    if from_hz == to_hz:
        return samples
    import soxr

    resampled: Samples = soxr.resample(samples, from_hz, to_hz)
    return resampled
