"""Between a person and two streams: a prompt goes to the LLM, its words to the gateway, both answers back."""

from .server import make_app
from .settings import Settings

__all__ = ["Settings", "make_app"]
