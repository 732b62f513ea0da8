"""The page that a person opens to talk to the stack, and the one origin that it is reached through."""

from .server import Settings, make_app

__all__ = ["Settings", "make_app"]
