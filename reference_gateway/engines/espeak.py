"""The espeak engine: espeak-ng from the wheel `espeakng-loader`, Mandarin and English in one text.

Debian's own package speaks Mandarin wrongly; the wheel's version does not.
"""

import ctypes
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import EngineFailed
from .pool import Samples

CHINESE, ENGLISH = "cmn", "en-us"
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9'’,.!?;: -]*")

_SYNCHRONOUS = 2
_BY_CHARACTER = 1
_UTF_8 = 1
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class LoadEspeak:
    """Loads the library; it keeps its state in globals, so there is one voice to a process."""

    def __call__(self) -> "Espeak":
        """Return the voice. Raises `EngineFailed`."""
        try:
            import espeakng_loader
        except ImportError:
            raise EngineFailed("espeakng-loader is not installed: pip install 'pytest-wdtts[espeak]'") from None
        try:
            library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise EngineFailed(f"its library cannot be loaded: {error}") from None
        return Espeak(library, espeakng_loader.get_data_path())


class Espeak:
    """One process's espeak-ng."""

    def __init__(self, library: Any, data_path: str) -> None:
        self._library = library
        self._heard: list[bytes] = []
        # The library keeps the pointer only: the object has to live as long as it does.
        self._callback = _Callback(self._hear)
        rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, str(data_path).encode(), 0)
        if rate_hz <= 0:
            raise EngineFailed(f"espeak_Initialize answered {rate_hz}: its data in {data_path} cannot be read")
        self.sample_rate_hz: int = rate_hz
        library.espeak_SetSynthCallback(self._callback)
        for voice in (CHINESE, ENGLISH):
            self._choose(voice)

    def speak(self, text: str) -> Samples:
        """Return the speech of a text that may mix Chinese and English."""
        self._heard.clear()
        for voice, run in runs(text):
            self._choose(voice)
            words = run.encode()
            # The size counts the terminating zero.
            self._library.espeak_Synth(words, len(words) + 1, 0, _BY_CHARACTER, 0, _UTF_8, None, None)
        self._library.espeak_Synchronize()
        return np.frombuffer(b"".join(self._heard), np.int16)

    def _choose(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise EngineFailed(f"espeak-ng has no voice {voice!r}")

    def _hear(self, samples: Any, count: int, _: Any) -> int:
        if samples and count > 0:
            self._heard.append(ctypes.string_at(samples, count * 2))
        return 0


def runs(text: str) -> list[tuple[str, str]]:
    """Split a text into (voice, run): words in Latin letters are English, all else is Mandarin."""
    found, position = [], 0
    for match in _LATIN.finditer(text):
        found += [(CHINESE, text[position : match.start()]), (ENGLISH, match.group())]
        position = match.end()
    found.append((CHINESE, text[position:]))
    return [(voice, run) for voice, run in found if run.strip()]
