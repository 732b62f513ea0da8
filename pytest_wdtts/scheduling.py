"""Which worker gets which item: a scheduler of pytest-xdist that knows the rows of a run."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from .shards import Meeting

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

WORKING_MODES = ("load", "worksteal")


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
