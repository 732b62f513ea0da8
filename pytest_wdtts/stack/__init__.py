"""The system under test: a child process, Compose, or someone else's gateway."""

from .cgroup import sample_container
from .compose import ComposeStack
from .container_faults import CONTAINER_FAULTS
from .embedded import EmbeddedStack, check_defects
from .external import ExternalStack
from .sampler import sample
from .seam import Gateway, Stack
from .startup import Startup, read_startup, startup_table

__all__ = [
    "CONTAINER_FAULTS",
    "ComposeStack",
    "EmbeddedStack",
    "ExternalStack",
    "Gateway",
    "Stack",
    "Startup",
    "check_defects",
    "read_startup",
    "sample",
    "sample_container",
    "startup_table",
]
