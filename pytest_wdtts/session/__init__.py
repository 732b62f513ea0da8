"""One conversation as a sans-I/O state machine. Pure."""

from .machine import PHASE_LIMIT_S, ClientSession, Phase

__all__ = ["PHASE_LIMIT_S", "ClientSession", "Phase"]
