"""The piper engine: a neural voice of one's own, given by the path of its ONNX file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import EngineFailed
from .pool import Samples


@dataclass(frozen=True)
class LoadPiper:
    """Loads the voice at `path`; its configuration lies beside it, as `path` with `.json` appended."""

    path: str

    def __call__(self) -> "Piper":
        """Return the voice. Raises `EngineFailed`."""
        if not self.path:
            raise EngineFailed("it needs a voice: set WS_TTS_PIPER_VOICE to the path of its .onnx file")
        for path in (Path(self.path), Path(f"{self.path}.json")):
            if not path.is_file():
                raise EngineFailed(f"there is no file {path}: a voice is an .onnx file and its .onnx.json beside it")
        try:
            from piper import PiperVoice
        except ImportError:
            raise EngineFailed("piper-tts is not installed: pip install 'pytest-wdtts[piper]'") from None
        try:
            return Piper(PiperVoice.load(self.path))
        except Exception as error:  # onnxruntime raises types of its own that have no common base
            raise EngineFailed(f"the voice {self.path} cannot be loaded: {type(error).__name__}: {error}") from None


class Piper:
    """One process's piper voice."""

    def __init__(self, voice: Any) -> None:
        self._voice = voice
        self.sample_rate_hz: int = voice.config.sample_rate

    def speak(self, text: str) -> Samples:
        """Return the speech of all sentences in a row."""
        sentences = [sentence.audio_int16_array for sentence in self._voice.synthesize(text)]
        return np.concatenate(sentences) if sentences else np.zeros(0, np.int16)
