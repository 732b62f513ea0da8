"""The numbered catalogue: what the contract says, case by case. The number of a case is its place here."""

from ..case import Case
from . import door, fields, flushing, frames, life, messages, states

CATALOGUE: tuple[Case, ...] = (
    *states.CASES,
    *fields.CASES,
    *frames.CASES,
    *flushing.CASES,
    *life.CASES,
    *messages.CASES,
    *door.CASES,
)

__all__ = ["CATALOGUE"]
