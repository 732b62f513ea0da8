"""Evidence to causes: where the time went. Pure."""

from .split import Split, floor, split_latency

__all__ = ["Split", "floor", "split_latency"]
