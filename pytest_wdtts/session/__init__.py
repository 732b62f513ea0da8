"""One conversation as a sans-I/O state machine. Pure."""

from .machine import ClientSession
from .phase import WAITS, Phase

__all__ = ["WAITS", "ClientSession", "Phase"]
