"""The three kinds of trouble, never mixed.

A `UsageError` is the caller's to mend and names the valid values. An `OwnFailure` is ours: the run is no
evidence and its verdict is `invalid`. What the *gateway* does wrong is no exception at all: it is evidence,
kept in the session's record.
"""


class WdttsError(Exception):
    """Base of everything that this package raises on purpose."""


class UsageError(WdttsError):
    """The caller asked for something that cannot be; says what was seen, what is valid, and the next step."""


class OwnFailure(WdttsError):
    """The framework or its surroundings failed; the run is `invalid` and blames no gateway."""


class StackError(WdttsError):
    """The system under test could not be brought up or reached, so nothing was measured."""
