"""The fixtures: a run for the test's markers, made once, the checklist's rows as outcomes, a diagnosis, the stack."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import pytest

from .markers import Asked, read_diagnose, read_markers
from .options import setting
from .ordering import RUNS, progress_line, take_diagnosis, take_order, times_again

if TYPE_CHECKING:
    from .gate import Outcome
    from .report.diagnosis import DiagnosisReport
    from .stack import Gateway


class Carrier(Protocol):
    """Who carries a run out in a worker of pytest-xdist."""

    def carry_out(self, run: str, item: pytest.Item) -> "Outcome":
        """Lead the run, or judge what is left of it."""
        ...


DIAGNOSES = pytest.StashKey["dict[str, DiagnosisReport | Exception]"]()
CREW = pytest.StashKey[Carrier]()


@pytest.fixture
def wdtts_run(request: pytest.FixtureRequest) -> "Outcome":
    """The run that this test's markers ask for; tests that ask for the same share it."""
    from .errors import OwnFailure, WdttsError
    from .gate import Interrupted

    asked = read_markers(request.node)
    if asked is None:
        pytest.fail("wdtts_run needs a marker: baseline, mixed, heavy, or load(...) with faults", pytrace=False)
    runs = request.config.stash.setdefault(RUNS, {})
    if asked.key not in runs:
        try:
            runs[asked.key] = _carry_out(request, asked)
        except WdttsError as error:
            runs[asked.key] = error
        except Interrupted as interrupted:
            runs[asked.key] = interrupted.outcome
            raise KeyboardInterrupt from None
        except Exception as error:  # The first test shows where; the others need not drive the run again for that.
            runs[asked.key] = OwnFailure(f"our own failure: {error!r}")
            raise
    outcome = runs[asked.key]
    if isinstance(outcome, Exception):
        pytest.fail(f"invalid: {outcome}", pytrace=False)
    return outcome


def _carry_out(request: pytest.FixtureRequest, asked: Asked) -> "Outcome":
    from .gate import carry_out

    if CREW in request.config.stash:
        return request.config.stash[CREW].carry_out(asked.key, request.node)
    show, again = progress_line(request.config), times_again(request.config)
    return carry_out(take_order(request.config, asked), show, again=again)


@pytest.fixture(scope="session")
def wdtts_gateway(pytestconfig: pytest.Config) -> "Iterator[Gateway]":
    """The stack alone, for tests that speak to it themselves: `.url`, `.api_key`, `.health` of a gateway that is up.

    Embedded, Compose or external, as the options say; taken down at the end of the tests.
    """
    from .errors import UsageError, WdttsError
    from .gate.live import knock_first
    from .transport import choose_transport

    try:
        order = take_order(pytestconfig, Asked("gateway"))
        stack, transport = order.make_stack(), choose_transport(order.transport)
    except UsageError as error:
        pytest.fail(str(error), pytrace=False)
    try:
        gateway = stack.start()
        knock_first(transport, gateway)
        yield gateway
    except WdttsError as error:
        pytest.fail(f"invalid: {error}", pytrace=False)
    finally:
        stack.stop()


@pytest.fixture
def wdtts_diagnosis(request: pytest.FixtureRequest) -> "DiagnosisReport":
    """The diagnosis that this test's `diagnose` marker asks for; tests that ask for the same share it."""
    from .diagnose import carry_out_diagnosis, write_concluded
    from .errors import WdttsError

    fields = read_diagnose(request.node)
    if fields is None:
        pytest.fail("wdtts_diagnosis needs the marker diagnose", pytrace=False)
    if hasattr(request.config, "workerinput"):
        pytest.fail("invalid: a diagnosis needs the machine for itself: run it without -n", pytrace=False)
    key = repr(sorted(fields.items()))
    diagnoses = request.config.stash.setdefault(DIAGNOSES, {})
    if key not in diagnoses:
        try:
            diagnoses[key] = write_concluded(carry_out_diagnosis(take_diagnosis(request.config, fields)))[0]
        except WdttsError as error:
            diagnoses[key] = error
    report = diagnoses[key]
    if isinstance(report, Exception):
        pytest.fail(f"invalid: {report}", pytrace=False)
    return report


@pytest.fixture
def checklist(wdtts_run: "Outcome", request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Turn a row of the checklist into this test's outcome: `checklist("missing_units")`."""
    from .report import failure_message, junit_properties, tell_allure
    from .verdict import Verdict

    def check(row_id: str) -> None:
        try:
            row = wdtts_run.row(row_id)
        except KeyError as error:
            pytest.fail(error.args[0], pytrace=False)
        request.node.user_properties += junit_properties(row, wdtts_run.report)
        if request.config.pluginmanager.has_plugin("allure_listener"):
            tell_allure(row, wdtts_run.report, [written.path for written in wdtts_run.written])
        if row.verdict is Verdict.NOT_ASSESSABLE:
            pytest.skip(f"not assessable: {row.observed}")
        if row.verdict is not Verdict.PASS:
            pytest.fail(failure_message(row, wdtts_run.report, wdtts_run.report_path), pytrace=False)

    return check


def spread_cases(metafunc: pytest.Metafunc) -> None:
    """Give a test that `conforms` one item for each case that is asked for. Raises `pytest.UsageError`."""
    from .conformance import select

    include, exclude = (setting(metafunc.config, name).split() for name in ("include", "exclude"))
    cases = select(include, exclude)
    if not cases:
        raise pytest.UsageError("no case fits --wdtts-include and --wdtts-exclude: see wdtts conformance --list")
    metafunc.parametrize("conforms", cases, ids=[case.id for case in cases], indirect=True)


@pytest.fixture
def conforms(request: pytest.FixtureRequest, wdtts_gateway: "Gateway") -> Callable[[], None]:
    """Try one case of the catalogue: it passes, fails with expected and seen, or skips where it cannot be tried."""
    import asyncio

    from .conformance import told, try_case
    from .gate.outcome import new_run_id
    from .transport import parse_target

    def check() -> None:
        target = parse_target(wdtts_gateway.url, wdtts_gateway.api_key)
        finding = asyncio.run(try_case(request.param, target, f"{new_run_id()}-{request.param.id}"))
        if finding.skipped:
            pytest.skip(finding.skipped)
        if not finding.passed:
            pytest.fail(told(finding), pytrace=False)

    return check
