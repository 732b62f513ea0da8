"""pytest-xdist: the sessions of one run are spread over all workers, its rows are judged by one of them.

The controller's scheduler gives every worker the first row of each run. There the workers meet: one of them is
the leader and reports the rows; for the others that item is no test but their part of the load, and they report
nothing, so that every row is one outcome, once.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .fixtures import CREW
from .markers import read_markers
from .options import setting
from .ordering import RUNS, check_items, progress_line, take_order
from .scheduling import ShardScheduling
from .shards import Meeting, Member, Place, Seat

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from .gate import Outcome


class Controller:
    """The process that starts the workers: holds the meeting, and schedules."""

    def __init__(self) -> None:
        self._meeting: Meeting | None = None
        self._held = ExitStack()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: "WorkerController") -> None:
        """Tell a worker where the meeting is."""
        meeting = self._meet(node.config)
        node.workerinput["wdtts_meeting"] = (meeting.address, meeting.key)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Put our scheduler before the one that was asked for."""
        session: Any = config.pluginmanager.get_plugin("dsession")
        asked = session.pytest_xdist_make_scheduler(config, log)
        return ShardScheduling(asked, self._meet(config), config.getoption("dist"), self._hold)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """A row whose judge died says so in the words of the checklist."""
        if isinstance(sched, ShardScheduling) and sched.is_row(crashitem):
            report.when = "call"
            report.longrepr = f"invalid: shard lost: {report.longrepr}; the evidence is in the report's directory"

    def _hold(self) -> None:
        from .gate import sigterm_is_ctrl_c

        self._held.enter_context(sigterm_is_ctrl_c())

    def _meet(self, config: pytest.Config) -> Meeting:
        self._meeting = self._meeting or Meeting(progress_line(config))
        return self._meeting

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Take over the outcomes that the workers' judges reached, for the summary and for comparisons.

        After xdist has seen the workers off: the judge of an interrupted run has its say on its way out.
        """
        yield
        self._held.close()
        if self._meeting is None:
            return
        outcomes = self._meeting.outcomes()
        self._meeting.close()
        if outcomes:
            from .closing import close

            session.config.stash[RUNS] = {run: _read_outcome(*told) for run, told in outcomes.items()}
            close(session)


class Crew:
    """A worker's side: its line to the meeting and its seat in each run."""

    def __init__(self, config: pytest.Config, workerinput: dict[str, Any]) -> None:
        address, key = workerinput["wdtts_meeting"]
        self._config = config
        self._member = Member(address, key, workerinput["workerid"])
        self._seats: dict[str, Seat] = {}

    def refuse(self, why: str) -> None:
        """Tell the controller that what is asked for cannot be; a worker that raises would only seem to crash."""
        self._member.ask("refuse", why)

    def announce(self, items: list[pytest.Item]) -> None:
        """Tell the controller which tests are rows of which run."""
        rows: dict[str, list[str]] = {}
        for item in items:
            asked = read_markers(item)
            if asked is not None:
                rows.setdefault(asked.key, []).append(item.nodeid)
        if rows:
            self._member.ask("announce", rows)

    def carry_out(self, run: str, item: pytest.Item) -> "Outcome":
        """Lead a run, or judge what is left of it. Raises what a run in one process raises."""
        from .errors import WdttsError
        from .gate import Interrupted, judge_left, lead

        asked = read_markers(item)
        assert asked is not None
        order = take_order(self._config, asked)
        seat = self._seats[run]
        try:
            outcome = judge_left(order, run, self._member) if seat.over else lead(order, Place(self._member, run, seat))
        except WdttsError as error:
            self._member.ask_aside("outcome", run, b"", str(error))
            raise
        except Interrupted as interrupted:
            self._tell(run, interrupted.outcome)
            raise
        self._tell(run, outcome)
        return outcome

    def _tell(self, run: str, outcome: "Outcome") -> None:
        import msgspec

        told = msgspec.json.encode((outcome.report, outcome.report_path, outcome.written))
        self._member.ask_aside("outcome", run, told, "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Take the item as our part of the load where another worker reports it."""
        asked = read_markers(item)
        if asked is None or asked.key in self._seats:
            return None
        seat = self._member.ask("join", asked.key)
        # Whoever followed may be given rows that a lost leader left: then there is nothing to drive any more.
        self._seats[asked.key] = seat if seat.leads else Seat(over=True)
        if seat.leads or not seat.invited:
            return None
        from .gate import follow
        from .report import forget_in_allure

        forget_in_allure(item.config.pluginmanager.get_plugin("allure_listener"), item.nodeid)
        if not seat.over:
            follow(take_order(self._config, asked), Place(self._member, asked.key, seat))
        return True


def join_crew(session: pytest.Session) -> None:
    """Check what a worker collected, and bring the worker to the meeting where it has rows."""
    config: Any = session.config
    refusal = ""
    try:
        check_items(session)
    except pytest.UsageError as error:
        refusal = str(error)
    if not refusal and not any(read_markers(item) for item in session.items):
        return
    if not refusal and setting(config, "cluster"):
        refusal = "--wdtts-cluster spreads a run over the cluster's workers by itself: leave -n out"
    if not refusal and setting(config, "again"):
        refusal = "--wdtts-again tries a run of one process again: leave -n out, or give --wdtts-again 0"
    crew = Crew(config, config.workerinput)
    if refusal:
        crew.refuse(refusal)
        return
    config.stash[CREW] = crew
    config.pluginmanager.register(crew, "wdtts-crew")
    crew.announce(session.items)


def _read_outcome(told: bytes, error: str) -> "Outcome | Exception":
    """What a judge told: the report itself, which may be nowhere on the disk."""
    import msgspec

    from .errors import OwnFailure
    from .gate import Outcome
    from .record import read_journal
    from .report import Report, Written

    if error:
        return OwnFailure(error)
    report, report_path, written = msgspec.json.decode(told, type=tuple[Report, str, tuple[Written, ...]])
    return Outcome(report, read_journal(Path(report_path).with_suffix(".jsonl")), report_path, written)
