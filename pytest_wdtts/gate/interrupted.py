"""A run that somebody ends before its time: by Ctrl-C, or by the SIGTERM that CI sends where it gives a job up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .outcome import Outcome


class Interrupted(KeyboardInterrupt):
    """Ctrl-C within a run; `outcome` is what was measured until then, judged and reported."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@contextmanager
def sigterm_is_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end what is within as Ctrl-C does, where nobody else cares for either signal.

    By itself it would end this process on the spot: no report, and no word of where the evidence is.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
