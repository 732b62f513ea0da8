"""The pytest hooks, each a few lines that delegate; nothing heavy is imported until a test of ours is selected."""

from typing import TYPE_CHECKING

import pytest

from .fixtures import RUNS, checklist, wdtts_run
from .markers import add_markers, read_markers
from .options import add_options, setting
from .ordering import check_condition, check_order, take_order

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

__all__ = ["checklist", "wdtts_run"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and ini keys."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    add_markers(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Check the selected tests' markers and options before anything runs."""
    checked: set[str] = set()
    for item in session.items:
        try:
            asked = read_markers(item)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
        if asked is not None and asked.key not in checked:
            checked.add(asked.key)
            check_order(take_order(session.config, asked))
    if checked and setting(session.config, "compare-fail"):
        check_condition(session.config)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Save and compare the runs; a broken condition makes a green session red."""
    if session.config.stash.get(RUNS, {}):
        from .closing import close

        close(session)


def pytest_terminal_summary(terminalreporter: "TerminalReporter", config: pytest.Config) -> None:
    """Print each run in a few lines."""
    if config.stash.get(RUNS, {}):
        from .closing import print_runs

        print_runs(terminalreporter, config)
