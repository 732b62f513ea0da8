"""How often each level of confidence was wrong in the published calibration (`make proof-diagnoses`)."""

from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from .causes import Confidence

FILE = "calibrated.json"


class ErrorRate(Struct, frozen=True):
    """Of `runs` calibrated diagnoses of one confidence, so many named a wrong cause."""

    wrong: int = 0
    runs: int = 0


@cache
def error_rates() -> dict[Confidence, ErrorRate]:
    """Return what the calibration wrote."""
    text = files(__package__).joinpath(FILE).read_bytes()
    return msgspec.json.decode(text, type=dict[Confidence, ErrorRate])


def error_rate(confidence: Confidence) -> ErrorRate:
    """Return the rate of one level; no runs where it never came up."""
    return error_rates().get(confidence, ErrorRate())
