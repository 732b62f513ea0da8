"""The end of a pytest session: runs are saved, compared, told to Allure, and printed."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .fixtures import DIAGNOSES
from .options import setting
from .ordering import RUNS

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from .gate import Outcome
    from .report.keep import Kept

SAVED = ".wdtts"
KEPT = pytest.StashKey["Kept"]()


def close(session: pytest.Session) -> None:
    """Save and compare as asked; a broken condition turns a green session red."""
    from .report.compare import read_condition
    from .report.keep import keep_and_compare

    config = session.config
    outcomes = _outcomes(config)
    condition = setting(config, "compare-fail")
    kept = keep_and_compare(
        [(outcome.report, Path(outcome.report_path).parent) for outcome in outcomes],
        Path(setting(config, "report")),
        setting(config, "save"),
        setting(config, "compare"),
        [read_condition(condition)] if condition else [],
        config.rootpath / SAVED,
    )
    config.stash[KEPT] = kept
    _tell_allure(config, outcomes, kept)
    if kept.broken and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def print_runs(terminal: "TerminalReporter", config: pytest.Config) -> None:
    """Print each run in a few lines, with `-v` the evidence too; then what was written, saved and compared."""
    from .report import styled_lines

    terminal.section("wdtts")
    for outcome in config.stash[RUNS].values():
        if isinstance(outcome, Exception):
            terminal.write_line(f"invalid: {outcome}", yellow=True, bold=True)
            continue
        for text, style in styled_lines(outcome.report, with_evidence=config.get_verbosity() > 0):
            terminal.write_line(text, **style)
        for written in outcome.written:
            if written.error:
                terminal.write_line(f"  not written: {written.error}", yellow=True)
            elif written.format == "wav":
                terminal.write_line(f"  sound of a failing session: {written.path}")
        for tried in outcome.earlier:
            terminal.write_line(f"  tried before: {tried.row('run_valid').observed}; {tried.report_path}", yellow=True)
        if outcome.report.stopped:
            terminal.write_line(f"  run it again: {outcome.report.replay}")
        if Path(outcome.report_path).is_file():
            terminal.write_line(f"  report: {outcome.report_path}")
    if kept := config.stash.get(KEPT, None):
        for line in kept.lines:
            terminal.write_line(line)
        for words in kept.broken:
            terminal.write_line(f"  FAIL {words}", red=True, bold=True)


def print_diagnoses(terminal: "TerminalReporter", config: pytest.Config) -> None:
    """Print each diagnosis, in the language of the environment."""
    from .report.diagnosis import diagnosis_lines, spoken

    terminal.section("wdtts diagnose")
    for report in config.stash[DIAGNOSES].values():
        if isinstance(report, Exception):
            terminal.write_line(f"invalid: {report}", yellow=True, bold=True)
        else:
            for line in diagnosis_lines(report, spoken()):
                terminal.write_line(line)


def _outcomes(config: pytest.Config) -> "list[Outcome]":
    return [outcome for outcome in config.stash[RUNS].values() if not isinstance(outcome, Exception)]


def _tell_allure(config: pytest.Config, outcomes: "list[Outcome]", kept: "Kept") -> None:
    directory = config.getoption("allure_report_dir", None)
    if not directory:
        return
    from .report import write_allure_files

    try:
        write_allure_files(Path(directory), [outcome.report for outcome in outcomes])
    except OSError as error:
        kept.lines.append(f"  {directory} cannot be written ({error.strerror}): see --alluredir")
