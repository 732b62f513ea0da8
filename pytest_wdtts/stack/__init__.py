"""The system under test: a child process, Compose, or someone else's gateway."""

from .embedded import EmbeddedStack
from .external import ExternalStack
from .sampler import sample
from .seam import Gateway, Stack

__all__ = ["EmbeddedStack", "ExternalStack", "Gateway", "Stack", "sample"]
