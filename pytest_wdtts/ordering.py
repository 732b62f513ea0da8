"""From pytest's configuration and a test's markers to an order, and from a run's progress to the terminal."""

import os
from contextlib import nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from .markers import CONTAINERS, Asked, read_diagnose, read_markers
from .options import BadValue, load_settings, setting

if TYPE_CHECKING:
    from .diagnose import DiagnosisOrder
    from .gate import Order, Outcome
    from .run import Remark, Show, Snapshot

RUNS: "pytest.StashKey[dict[str, Outcome | Exception]]" = pytest.StashKey()
"""What came of each run, by what was asked for."""
NAMES = pytest.StashKey[dict[str, str]]()
KEYS = pytest.StashKey[dict[str, list[str]]]()


def run_name(config: pytest.Config, asked: Asked) -> str:
    """Return the scenario, or for a run of a user's own the name of the first test that asks for it.

    Reports bear it, so two runs never have the same. Every worker collects alike, and so names alike.
    """
    if asked.scenario:
        return asked.scenario
    names = config.stash.setdefault(NAMES, {})
    if asked.key not in names:
        taken = set(names.values())
        candidates = (asked.test if number == 1 else f"{asked.test}-{number}" for number in count(1))
        names[asked.key] = next(name for name in candidates if name not in taken)
    return names[asked.key]


def report_dir(config: pytest.Config, asked: Asked) -> str:
    """Return where a run's reports go: the first of a scenario has the directory, each other a folder in it."""
    directory: str = setting(config, "report")
    if not asked.scenario:
        return directory
    keys = config.stash.setdefault(KEYS, {}).setdefault(asked.scenario, [])
    if asked.key not in keys:
        keys.append(asked.key)
    number = keys.index(asked.key) + 1
    return directory if number == 1 else os.path.join(directory, f"{asked.scenario}-{number}")


def take_order(config: pytest.Config, asked: Asked) -> "Order":
    """Make the order. Raises `pytest.UsageError` for a setting that cannot be read."""
    from .gate import Order

    try:
        defect = setting(config, "defect")
        return Order(
            scenario=run_name(config, asked),
            load=load_settings(config, asked.load),
            shares=asked.shares,
            stack=setting(config, "stack") or "",
            url=setting(config, "url") or "",
            api_key=setting(config, "api-key"),
            defects=tuple(defect.split(";")) if defect else (),
            report_dir=report_dir(config, asked),
            transport=setting(config, "transport"),
            keep_stack=setting(config, "keep-stack") == "yes",
            cluster=setting(config, "cluster"),
        )
    except BadValue as error:
        raise pytest.UsageError(str(error)) from None


def times_again(config: pytest.Config) -> int:
    """How often an invalid run may be tried again. Raises `pytest.UsageError`."""
    try:
        times: int = setting(config, "again")
    except BadValue as error:
        raise pytest.UsageError(str(error)) from None
    if times < 0:
        raise pytest.UsageError(f"--wdtts-again is {times}: give how often to try again, 0 or more")
    if times and setting(config, "cluster"):
        raise pytest.UsageError("--wdtts-again tries a run of one process again, not a cluster's: leave one out")
    return times


def take_diagnosis(config: pytest.Config, marked: dict[str, Any]) -> "DiagnosisOrder":
    """Make the order of a diagnosis: options stand above the marker. Raises `pytest.UsageError`."""
    from .diagnose import DiagnosisOrder, estimate_s
    from .errors import UsageError

    given = load_settings(config, {})
    names = {"sessions": "max_sessions", "cps": "cps", "corpus": "corpus", "seed": "seed"}
    fields = marked | {mine: given[theirs] for theirs, mine in names.items() if theirs in given}
    try:
        asked = DiagnosisOrder.of(take_order(config, Asked("diagnosis")), fields)
        estimate_s(asked)
        asked.order.make_stack()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    return asked


def check_items(session: pytest.Session) -> None:
    """Check what the selected tests ask for. Raises `pytest.UsageError`."""
    checked: set[str] = set()
    for item in session.items:
        try:
            if item.get_closest_marker(CONTAINERS) and setting(session.config, "stack") != "compose":
                item.add_marker(pytest.mark.skip(reason="there are no containers to break: --wdtts-stack compose"))
            asked = read_markers(item)
            diagnose = read_diagnose(item)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
        if diagnose is not None and (key := repr(sorted(diagnose.items()))) not in checked:
            checked.add(key)
            take_diagnosis(session.config, diagnose)
        if asked is not None and asked.key not in checked:
            checked.add(asked.key)
            try:
                check_order(take_order(session.config, asked))
            except pytest.UsageError as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}" if asked.load or asked.shares else error) from None
    if checked:
        times_again(session.config)
    if checked and setting(session.config, "compare-fail"):
        check_condition(session.config)


def check_order(order: "Order") -> None:
    """Refuse at collection what could not be run. Raises `pytest.UsageError`."""
    from .errors import UsageError
    from .transport import choose_transport

    try:
        order.plan("check")
        choose_transport(order.transport)
        order.make_stack()
        if order.cluster:
            from .gate.on_cluster import check_address

            check_address(order.cluster)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def check_condition(config: pytest.Config) -> None:
    """Refuse at collection a condition that could not be judged. Raises `pytest.UsageError`."""
    from .errors import UsageError
    from .report.compare import read_condition

    try:
        read_condition(setting(config, "compare-fail"))
    except UsageError as error:
        raise pytest.UsageError(f"--wdtts-compare-fail: {error}") from None
    if not setting(config, "compare"):
        raise pytest.UsageError("--wdtts-compare-fail needs something to compare with: add --wdtts-compare NAME|FILE")


def progress_line(config: pytest.Config) -> "Show | None":
    """A line that rewrites itself on a terminal; None where nobody watches."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not reporter.isatty or os.environ.get("CI"):
        return None
    line = _ProgressLine(reporter, config.pluginmanager.get_plugin("capturemanager"))
    config.pluginmanager.unregister(name="wdtts-progress")
    config.pluginmanager.register(line, "wdtts-progress")
    return line.show


class _ProgressLine:
    """Shows how a run stands, and makes room for the first outcome."""

    def __init__(self, reporter: Any, capture: Any) -> None:
        self._reporter = reporter
        self._uncaptured = capture.global_and_fixture_disabled if capture else nullcontext
        self._shown = False

    def show(self, now: "Snapshot | Remark") -> None:
        self._shown = True
        with self._uncaptured():  # A test is running, and pytest keeps what is written meanwhile to itself.
            self._reporter.rewrite(f"wdtts: {now.line()}", erase=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._shown:
            self._shown = False
            self._reporter.rewrite("", erase=True)
            self._reporter.rewrite("")
            self._reporter.currentfspath = None  # What stood on this line is overwritten: it has to be said again.
            if self._reporter.showfspath and not self._reporter.showlongtestinfo:
                self._reporter.write_fspath_result(report.nodeid, "")
