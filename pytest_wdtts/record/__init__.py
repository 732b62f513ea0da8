"""What was seen: session records, the journal, the run's result and HDR histograms. No sockets, no asyncio."""

from .journal import JournalWriter, read_journal
from .result import (
    SCHEMA,
    ContainerLine,
    ContainerSample,
    GatewayFaultLine,
    GatewaySample,
    LoopDelayLine,
    RunFooter,
    RunHeader,
    RunResult,
    SampleLine,
    Window,
)
from .session import AUDIO_FAULTS, PLANNED_LEAVE, ChunkFlag, EventKind, SessionEvent, SessionRecord
from .shelf import AudioShelf

__all__ = [
    "AUDIO_FAULTS",
    "PLANNED_LEAVE",
    "SCHEMA",
    "AudioShelf",
    "ChunkFlag",
    "ContainerLine",
    "ContainerSample",
    "EventKind",
    "GatewayFaultLine",
    "GatewaySample",
    "JournalWriter",
    "LoopDelayLine",
    "RunFooter",
    "RunHeader",
    "RunResult",
    "SampleLine",
    "SessionEvent",
    "SessionRecord",
    "Window",
    "read_journal",
]
