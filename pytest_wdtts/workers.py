"""pytest-xdist: the sessions of one run are spread over all workers, its rows are judged by one of them.

The controller's scheduler gives every worker the first row of each run. There the workers meet: one of them is
the leader and reports the rows; for the others that item is no test but their part of the load, and they report
nothing, so that every row is one outcome, once.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .fixtures import CREW
from .markers import read_markers
from .options import setting
from .ordering import RUNS, check_items, progress_line, take_order
from .shards import Meeting, Member, Place, Seat

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from .gate import Outcome

WORKING_MODES = ("load", "worksteal")


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
    crew = Crew(config, config.workerinput)
    if refusal:
        crew.refuse(refusal)
        return
    config.stash[CREW] = crew
    config.pluginmanager.register(crew, "wdtts-crew")
    crew.announce(session.items)


class ShardScheduling:
    """Gives every worker its part of each run, one of them the rows, and the tests that are no rows to any.

    Where no row is selected it is the scheduler that was asked for.
    """

    def __init__(self, asked: Any, meeting: Meeting, dist: str, begin: Callable[[], None]) -> None:
        self._asked = asked
        self._meeting = meeting
        self._dist = dist
        self._begin = begin
        self._collections: dict[WorkerController, list[str]] = {}
        self._ids: list[str] = []
        self._rows: set[str] = set()
        self._sent: dict[WorkerController, list[int]] = {}
        self._follows: dict[WorkerController, set[int]] = {}
        self._queue: deque[int] = deque()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._asked, name)

    @property
    def nodes(self) -> "list[WorkerController]":
        """The workers that are there."""
        return list(self._sent) if self._rows else list(self._asked.nodes)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every worker told what it collected."""
        return bool(self._rows) or bool(self._asked.collection_is_completed)

    @property
    def tests_finished(self) -> bool:
        """Whether every worker is at its last item, which it begins when it is told that no more will come."""
        if not self._rows:
            return bool(self._asked.tests_finished)
        return not self._queue and all(len(sent) < 2 for sent in self._sent.values())

    @property
    def has_pending(self) -> bool:
        """Whether anything is left to do."""
        if not self._rows:
            return bool(self._asked.has_pending)
        return bool(self._queue) or any(self._sent.values())

    def is_row(self, nodeid: str) -> bool:
        """Whether a test is a row of a sharded run."""
        return nodeid in self._rows

    def add_node(self, node: "WorkerController") -> None:
        """Take note of a worker."""
        if self._rows:
            self._sent[node] = []
        else:
            self._asked.add_node(node)

    def add_node_collection(self, node: "WorkerController", collection: Sequence[str]) -> None:
        """Take note of what a worker collected."""
        self._collections[node] = list(collection)
        if not self._rows:
            self._asked.add_node_collection(node, collection)

    def schedule(self) -> None:
        """Hand out the parts of each run first, in the same order to all; then what any worker can do."""
        if self._meeting.refused:
            raise pytest.UsageError(self._meeting.refused)
        if not self._rows and self._meeting.rows:
            self._take_over()
        if not self._rows:
            self._asked.schedule()
        for node in list(self._sent):
            self._feed(node)

    def mark_test_complete(self, node: "WorkerController", item_index: int, duration: float = 0) -> None:
        """Take note that a worker is through with an item."""
        if not self._rows:
            self._asked.mark_test_complete(node, item_index, duration)
            return
        self._sent[node].remove(item_index)
        self._feed(node)

    def remove_node(self, node: "WorkerController") -> str | None:
        """Let a worker go; return the test that it died at. What it had left, another one takes."""
        if not self._rows:
            return self._asked.remove_node(node)  # type: ignore[no-any-return]
        sent, follows = self._sent.pop(node), self._follows.get(node, set())
        left = [index for index in sent if index not in follows]
        # Who died at its part of the load had begun no test.
        died_at = left.pop(0) if left and sent[0] not in follows else None
        self._meeting.lost(node.gateway.id)
        self._queue.extendleft(reversed(left))
        for other in list(self._sent):
            self._feed(other)
        return None if died_at is None else self._ids[died_at]

    def _take_over(self) -> None:
        self._check_mode()
        self._begin()
        nodes = sorted(self._asked.nodes, key=lambda node: str(node.gateway.id))  # gw0 leads, whoever was ready first.
        self._ids = self._collections[nodes[0]]
        if any(self._collections[node] != self._ids for node in nodes):
            raise pytest.UsageError("the workers collected different tests: nothing random may decide what a suite has")
        runs = {run: [self._ids.index(row) for row in rows] for run, rows in self._meeting.rows.items()}
        self._rows = {row for rows in self._meeting.rows.values() for row in rows}
        self._sent = {node: [] for node in nodes}
        for run, rows in sorted(runs.items(), key=lambda entry: entry[1]):
            self._meeting.expect(run, [node.gateway.id for node in nodes], nodes[0].gateway.id)
            self._send(nodes[0], rows)
            for node in nodes[1:]:
                self._follows.setdefault(node, set()).add(rows[0])
                self._send(node, rows[:1])
        self._queue.extend(index for index, nodeid in enumerate(self._ids) if nodeid not in self._rows)

    def _check_mode(self) -> None:
        if self._dist in WORKING_MODES:
            return
        why = {
            "each": "every row would have an outcome from every worker",
        }.get(self._dist, "it keeps a file's or a group's tests on one worker, and a run is spread over all of them")
        raise pytest.UsageError(
            f"--dist {self._dist} cannot carry a wdtts run: {why}. Use --dist {' or '.join(WORKING_MODES)}, or no -n"
        )

    def _send(self, node: "WorkerController", indices: list[int]) -> None:
        self._sent[node] += indices
        node.send_runtest_some(indices)

    def _feed(self, node: "WorkerController") -> None:
        """A worker begins an item when it knows the next, or that there is none: it needs two at a time."""
        while self._queue and len(self._sent[node]) < 2 and not node.shutting_down:
            self._send(node, [self._queue.popleft()])
        if not self._queue and not node.shutting_down:
            node.shutdown()


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
