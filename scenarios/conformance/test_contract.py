"""The contract, case by case: each case of the conformance catalogue is a test with an id of its own."""

from collections.abc import Callable

import pytest

pytestmark = pytest.mark.conformance


def test_case(conforms: Callable[[], None]) -> None:
    """The gateway does what the contract says of this case."""
    conforms()
