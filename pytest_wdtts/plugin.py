"""The pytest hooks, each a few lines that delegate; nothing heavy is imported until a test of ours is selected."""

from typing import TYPE_CHECKING

import pytest

from .fixtures import (
    DIAGNOSES,
    checklist,
    conforms,
    spread_cases,
    wdtts_diagnosis,
    wdtts_gateway,
    wdtts_run,
)
from .markers import add_markers
from .options import add_options
from .ordering import RUNS, check_items

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

__all__ = ["checklist", "conforms", "wdtts_diagnosis", "wdtts_gateway", "wdtts_run"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and ini keys."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and join in where pytest-xdist spreads the tests."""
    add_markers(config)
    if not hasattr(config, "workerinput") and config.getoption("dist", "no") != "no":
        from .workers import Controller

        config.pluginmanager.register(Controller(), "wdtts-controller")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each case of the conformance catalogue."""
    if "conforms" in metafunc.fixturenames:
        spread_cases(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Check the selected tests' markers and options before anything runs."""
    if hasattr(session.config, "workerinput"):
        from .workers import join_crew

        join_crew(session)
    else:
        check_items(session)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Save and compare the runs; a broken condition makes a green session red."""
    if session.config.stash.get(RUNS, {}) and not hasattr(session.config, "workerinput"):
        from .closing import close

        close(session)


def pytest_terminal_summary(terminalreporter: "TerminalReporter", config: pytest.Config) -> None:
    """Print each run and each diagnosis in a few lines."""
    if config.stash.get(RUNS, {}):
        from .closing import print_runs

        print_runs(terminalreporter, config)
    if config.stash.get(DIAGNOSES, {}):
        from .closing import print_diagnoses

        print_diagnoses(terminalreporter, config)
