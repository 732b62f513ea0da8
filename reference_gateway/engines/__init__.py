"""Speech engines by name. To add one: write its file, add its line to `_ENGINES`."""

from collections.abc import Callable, Mapping
from typing import Protocol

from ..settings import Settings, WrongSetting


class Engine(Protocol):
    """Turns text into PCM. An engine that computes for long does so elsewhere: it must not hold the loop."""

    name: str
    sample_rates: frozenset[int]
    native_rate_hz: int
    """The rate that its voice has of itself; others are resampled."""
    unit_tone: str
    """The layout that the audio of a unit follows (`protocol.tone`); empty for speech."""
    unit_audio_ms: int
    """Length of each unit's audio; 0 where it varies."""

    async def start(self) -> None:
        """Get ready. Raises `EngineFailed` with the reason."""

    async def synthesise(self, text: str, first_unit: int, sample_rate: int, channels: int) -> bytes:
        """Return s16le PCM, channels interleaved, of a text whose first unit has index `first_unit`."""

    async def close(self) -> None:
        """Let everything go."""


class EngineFailed(RuntimeError):
    """The engine cannot start; the text says why."""


def _dummy(settings: Settings) -> Engine:
    from .dummy import Dummy

    return Dummy(settings.unit_audio_ms)


def _espeak(settings: Settings) -> Engine:
    from .espeak import LoadEspeak
    from .pool import Pool

    return Pool("espeak", LoadEspeak(), settings.speech_workers)


def _piper(settings: Settings) -> Engine:
    from .piper import LoadPiper
    from .pool import Pool

    return Pool("piper", LoadPiper(settings.piper_voice), settings.speech_workers)


_ENGINES: Mapping[str, Callable[[Settings], Engine]] = {"dummy": _dummy, "espeak": _espeak, "piper": _piper}


def make_engine(settings: Settings) -> Engine:
    """Return the engine that the settings name, not started. Raises `WrongSetting`: there is no fallback."""
    try:
        return _ENGINES[settings.engine](settings)
    except KeyError:
        valid = ", ".join(sorted(_ENGINES))
        raise WrongSetting(f"WS_TTS_ENGINE={settings.engine!r}: expected one of: {valid}") from None
