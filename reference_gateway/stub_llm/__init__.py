"""A small deterministic server that speaks the part of SGLang's API that the stack uses."""

from .server import make_app
from .settings import DEFECTS, Settings

__all__ = ["DEFECTS", "Settings", "make_app"]
