"""Unit accounting: what was sent, what came, what is missing and what explains it. Pure."""

from .account import SessionLedger, account

__all__ = ["SessionLedger", "account"]
