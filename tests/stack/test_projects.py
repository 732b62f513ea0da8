"""Projects beside each other: names that tell whose they are, ports that nobody else has."""

import os
import socket

import pytest

from pytest_wdtts.errors import StackError
from pytest_wdtts.stack import projects


def test_a_project_tells_whose_it_is() -> None:
    first, second = projects.own_project(), projects.own_project()
    assert first != second
    assert first.startswith(f"wdtts-{os.getpid()}-")


def test_a_port_is_free_and_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        held = holder.getsockname()[1]
        monkeypatch.setattr(projects, "_OWN_PORTS", range(held - 1, held + 2))
        monkeypatch.setattr(projects, "_TRIES", 3)
        taken = {str(held - 1)}
        try:
            given = projects.free_port(taken)
            assert given == str(held + 1)
        except StackError:  # Somebody else may hold the one that is left.
            given = str(held + 1)
        with pytest.raises(StackError, match="none is free: end what holds them"):
            projects.free_port({*taken, given})
