"""`-n`: one run over several workers is judged as one, whatever happens to them."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import wave
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from tests.shards.judged import blamed, journal, sessions_of, verdicts

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 120.0
ROWS = ("run_valid", "session_errors", "missing_units", "sent_equals_received", "session_end")

SUITE = f"""\
import pytest

{{marks}}
@pytest.mark.parametrize("row", {ROWS!r})
def test_row(row, checklist):
    checklist(row)

@pytest.mark.parametrize("number", range(5))
def test_something_else(number):
    pass
"""


class Session:
    """A pytest process in a directory of its own, with no plugin but ours and xdist."""

    def __init__(
        self, directory: Path, *arguments: str, marks: Sequence[str] = ("baseline",), conftest: str = ""
    ) -> None:
        self.directory = directory
        self.reports = directory / "wdtts-report"
        marked = "\n".join(f"@pytest.mark.{mark}" for mark in marks)
        (directory / "test_suite.py").write_text(SUITE.format(marks=marked))
        (directory / "pytest.ini").write_text("[pytest]\n")
        (directory / "conftest.py").write_text(conftest)
        environment = os.environ | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(ROOT),
            "WDTTS_CPS": "20",
            "WDTTS_SEED": "7",
        }
        plugins = ["-p", "xdist", "-p", "pytest_wdtts.plugin"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *plugins, "--junitxml=junit.xml", *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # A terminal sends Ctrl-C to all of them.
        )

    def end(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=ENDS_WITHIN_S)
        return self.process.returncode, output

    def outcomes(self) -> dict[str, str]:
        """By test name; a name that comes twice fails here."""
        cases = list(ElementTree.parse(self.directory / "junit.xml").getroot().iter("testcase"))
        twice = [name for name, times in Counter(str(case.get("name")) for case in cases).items() if times > 1]
        assert twice == []
        return {str(case.get("name")): next((child.tag for child in case if child.tag in _BAD), "") for case in cases}

    def report(self, scenario: str = "baseline") -> dict[str, object]:
        return dict(json.loads((self.reports / f"{scenario}.json").read_text()))


SILENT = "pcm_silent:rate=0.2"
_BAD = {"failure", "error", "skipped"}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[type[Session]]:
    started: list[Session] = []

    class Started(Session):
        def __init__(self, name: str, *arguments: str, **given: Any) -> None:
            (tmp_path / name).mkdir(exist_ok=True)
            super().__init__(tmp_path / name, *arguments, **given)
            started.append(self)

    yield Started
    for session in started:
        if session.process.poll() is None:
            session.process.kill()
            session.process.communicate()


def test_the_merged_verdict_is_the_single_processs(start: type[Session]) -> None:
    load = ("--wdtts-sessions", "10", "--wdtts-duration", "6")
    alone = start("alone", *load, marks=["mixed"])  # type: ignore[arg-type]
    _, output_alone = alone.end()
    shared = start("shared", *load, "-n", "3", marks=["mixed"])  # type: ignore[arg-type]
    _, output = shared.end()
    assert set(shared.outcomes()) == set(alone.outcomes()), output_alone + output
    assert len(shared.outcomes()) == len(ROWS) + 5
    assert blamed(alone.reports, "mixed") == blamed(shared.reports, "mixed") == set(), output_alone + output

    one, many = alone.report("mixed"), shared.report("mixed")
    assert verdicts(shared.reports, "mixed") == verdicts(alone.reports, "mixed")
    for name in ("sessions", "planned_units", "cancels", "resumes"):
        assert many["summary"][name] == one["summary"][name]  # type: ignore[index]
    assert "mixed: PASS" in output or "the generator was late" in output, (
        "the summary is printed by the process that the user sees"
    )

    parts = [journal(shared.reports, f"mixed.shard-{number}.jsonl") for number in range(3)]
    assert [any(line["line"] == "gateway" for line in part) for part in parts] == [True, False, False], "one looks"
    begun = [float(str(part[0]["origin_unix_s"])) for part in parts]
    assert max(begun) - min(begun) < 0.1, "the workers begin together"
    assert len({json.dumps(part[0]["run_id"]) for part in parts}) == 1
    sizes = [len({line["id"] for line in part if line["line"] == "session"}) for part in parts]
    assert all(sizes)


def test_without_faults_every_unit_is_counted_as_by_a_single_process(start: type[Session]) -> None:
    load = ("--wdtts-sessions", "5", "--wdtts-duration", "3")
    reports = []
    for name, workers in {"alone": (), "shared": ("-n", "2")}.items():
        session = start(name, *load, *workers)  # type: ignore[arg-type]
        _, output = session.end()
        assert blamed(session.reports) == set(), output
        reports.append(session.report())
    one, many = reports
    counted = ("sessions", "planned_units", "sent_units", "received_units", "missing_units", "duplicate_units")
    assert [many["summary"][name] for name in counted] == [one["summary"][name] for name in counted]  # type: ignore[index]


def test_a_gateway_that_is_killed_by_plan_is_expected_by_every_worker(start: type[Session]) -> None:
    marks = ["mixed", "gateway_restart(at_s=3, down_s=1)", "disconnect(percent=0)", "cancel(percent=0)"]
    session = start("broken", "-n", "3", "--wdtts-sessions", "6", "--wdtts-duration", "8", marks=marks)  # type: ignore[arg-type]
    _, output = session.end()
    assert blamed(session.reports, "mixed") == set(), output
    report = session.report("mixed")
    assert report["injected_faults"]["gateway_restart"] == 1  # type: ignore[index]
    healed = [line for line in journal(session.reports, "mixed.jsonl") if line["line"] == "gateway_fault"]
    assert [line["how"] for line in healed] == ["gateway_restart"]
    for number in range(3):
        events = [
            event
            for line in journal(session.reports, f"mixed.shard-{number}.jsonl")
            if line["line"] == "session" and "-p" not in str(line["id"])
            for event in line.get("events", [])
        ]
        assert sum(event[1:] == ["fault", "gateway"] for event in events) == 2, "each of its two sessions was cut"
        assert not any(event[1] == "failed" for event in events), "and none took it for the gateway's fault"


def test_failing_sessions_of_every_worker_can_be_heard(start: type[Session]) -> None:
    session = start("heard", "-n", "2", "--wdtts-sessions", "4", "--wdtts-duration", "3", "--wdtts-defect", SILENT)  # type: ignore[arg-type]
    _, output = session.end()
    if "the generator was late" in output:
        pytest.skip("this machine is too busy to drive 4 sessions on time: no gateway is blamed")
    sounds = sorted(session.reports.glob("baseline.wdtts-*.wav"))
    assert {int(sound.stem[-1]) % 2 for sound in sounds} == {0, 1}, "each drove every second session"
    for sound in sounds:
        with wave.open(str(sound)) as file:
            assert file.getnframes() > 0
        assert f"sound of a failing session: {sound.relative_to(session.directory)}" in output
    assert not list(session.reports.glob("*.sound")), "what the workers left for the judge is taken away"


@pytest.mark.parametrize("workers", [1, 5])
def test_any_number_of_workers_comes_to_an_end(start: type[Session], workers: int) -> None:
    session = start(str(workers), "-n", str(workers), "--wdtts-sessions", "2", "--wdtts-duration", "2")  # type: ignore[arg-type]
    _, output = session.end()
    assert len(session.outcomes()) == len(ROWS) + 5
    assert blamed(session.reports) == set(), output
    assert session.report()["summary"]["sessions"] == 2  # type: ignore[index]


@pytest.mark.parametrize("shard", [0, 1], ids=["leader", "follower"])
def test_a_worker_that_dies_makes_the_run_invalid_and_keeps_the_evidence(start: type[Session], shard: int) -> None:
    session = start("killed", "-n", "2", "--wdtts-sessions", "6", "--wdtts-duration", "8")  # type: ignore[arg-type]
    deadline_s = time.monotonic() + ENDS_WITHIN_S
    while len(sessions_of(journal(session.reports, f"baseline.shard-{shard}.jsonl"))) < 3:
        assert time.monotonic() < deadline_s
        assert session.process.poll() is None, session.end()[1]
        time.sleep(0.05)
    header = journal(session.reports, f"baseline.shard-{shard}.jsonl")[0]
    os.kill(int(str(dict(header["environment"])["pid"])), signal.SIGKILL)

    code, output = session.end()
    assert code == 1, output
    others = {f"test_something_else[{number}]": "" for number in range(5)}
    assert session.outcomes() == {f"test_row[{row}]": "failure" for row in ROWS} | others
    assert "invalid" in output
    assert f"shard lost: {shard} of 2 (its worker died)" in output
    merged = journal(session.reports, "baseline.jsonl")
    assert len(sessions_of(merged)) == 6
    assert merged[-1]["line"] == "end"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_to_all_workers_ends_in_order_with_one_partial_report(
    start: type[Session], number: signal.Signals
) -> None:
    session = start("interrupted", "-n", "2", "--wdtts-sessions", "4", "--wdtts-duration", "45")  # type: ignore[arg-type]
    deadline_s = time.monotonic() + ENDS_WITHIN_S
    while not all(_has_sent(session.reports, shard) for shard in range(2)):
        assert time.monotonic() < deadline_s
        assert session.process.poll() is None, session.end()[1]
        time.sleep(0.05)
    gateway = _gateway_of(session.process.pid)
    os.killpg(session.process.pid, number)

    code, output = session.end()
    assert code == pytest.ExitCode.INTERRUPTED, output
    assert "Traceback" not in output
    assert "INVALID run_valid: partial run (interrupted)" in output
    assert "run it again: wdtts accept --scenario baseline" in output
    report = session.report()
    assert report["stopped"] == "interrupted"
    assert report["summary"]["sessions"] == 4  # type: ignore[index]
    assert len(sessions_of(journal(session.reports, "baseline.jsonl"))) == 4
    gateway.wait(timeout=ENDS_WITHIN_S)


def _has_sent(reports: Path, shard: int) -> bool:
    return any(line.get("sent_ns") for line in journal(reports, f"baseline.shard-{shard}.jsonl"))


def _gateway_of(pid: int) -> psutil.Process:
    """The reference gateway that one of a session's workers has started."""
    (found,) = (p for p in psutil.Process(pid).children(recursive=True) if "reference_gateway" in p.cmdline())
    return found


@pytest.mark.parametrize(("mode", "why"), [("each", "every row would have"), ("loadfile", "spread over all of them")])
def test_a_mode_that_cannot_work_is_refused_with_the_reason(start: type[Session], mode: str, why: str) -> None:
    session = start(mode, "-n", "2", "--dist", mode, "--wdtts-duration", "2")  # type: ignore[arg-type]
    code, output = session.end()
    assert code == pytest.ExitCode.USAGE_ERROR, output
    assert why in output
    assert "--dist load" in output
    assert not session.reports.exists()


def test_what_cannot_be_run_is_refused_once_and_in_words(start: type[Session]) -> None:
    session = start("long", "-n", "2", "--wdtts-duration", "600")  # type: ignore[arg-type]
    code, output = session.end()
    assert code == pytest.ExitCode.USAGE_ERROR, output
    assert output.count("give a longer text") == 1
    assert "INTERNALERROR" not in output


def test_a_cluster_and_workers_of_xdist_are_not_mixed(start: type[Session]) -> None:
    session = start("both", "-n", "2", "--wdtts-cluster", "tcp://127.0.0.1:1", "--wdtts-duration", "2")  # type: ignore[arg-type]
    code, output = session.end()
    assert code == pytest.ExitCode.USAGE_ERROR, output
    assert output.count("--wdtts-cluster spreads a run over the cluster's workers by itself: leave -n out") == 1


def test_workers_of_xdist_do_not_try_a_run_again(start: type[Session]) -> None:
    session = start("both", "-n", "2", "--wdtts-again", "1", "--wdtts-duration", "2")  # type: ignore[arg-type]
    code, output = session.end()
    assert code == pytest.ExitCode.USAGE_ERROR, output
    assert output.count("--wdtts-again tries a run of one process again: leave -n out") == 1


def test_without_rows_the_mode_that_was_asked_for_does_the_work(start: type[Session]) -> None:
    session = start("plain", "-n", "2", "--dist", "loadfile", "-k", "something_else")  # type: ignore[arg-type]
    code, output = session.end()
    assert code == 0, output
    assert len(session.outcomes()) == 5


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_the_line_on_a_terminal_counts_the_sessions_of_all_workers(tmp_path: Path, workers: Sequence[str]) -> None:
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    (tmp_path / "test_suite.py").write_text(SUITE.format(marks="@pytest.mark.baseline"))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    load = ("--wdtts-sessions=4", "--wdtts-duration=4", "--wdtts-cps=10")
    watched = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "pytest_wdtts.plugin", *workers, *load],
        cwd=tmp_path,
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # The last one who held the other end is gone.
        while piece := os.read(ours, 65536):
            said += piece
    os.close(ours)
    watched.wait(ENDS_WITHIN_S)
    counts = re.findall(rb"\rwdtts: (\d+) up, (\d+) units out, (\d+) in", said)
    assert b"4" in [up for up, _, _ in counts], said.decode()
    out = [int(units) for _, units, _ in counts]
    assert out == sorted(out)
    if not workers:
        assert re.search(rb"\ntest_suite\.py \S*[.FE]", said), "the line took the place of the test's own"


def test_allure_has_each_row_once(start: type[Session]) -> None:
    pytest.importorskip("allure_pytest")
    allure = ("-p", "allure_pytest", "--alluredir=allure", "-k", "test_row")
    session = start("allure", "-n", "2", *allure, "--wdtts-sessions", "4", "--wdtts-duration", "3")  # type: ignore[arg-type]
    session.end()
    results = [json.loads(path.read_bytes()) for path in (session.directory / "allure").glob("*-result.json")]
    assert Counter(result["name"] for result in results) == dict.fromkeys([f"baseline: {row}" for row in ROWS], 1)
    assert len({result["historyId"] for result in results}) == len(ROWS)


DIES = """\
import os
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol():
    if os.environ["DIES"] == os.environ["PYTEST_XDIST_WORKER"]:
        os._exit(1)
    return (yield)

def pytest_runtest_setup(item):
    if item.name == f"test_row[{os.environ['AT']}]" and os.environ["PYTEST_XDIST_WORKER"] == "gw0":
        os._exit(1)
"""


@pytest.mark.parametrize(
    ("dies", "at", "words"),
    [
        ("gw1", "", "baseline: "),
        ("gw0", "", "invalid: shard lost: the worker that leads the run died before it began"),
        ("", "sent_equals_received", "invalid: shard lost: worker 'gw0' crashed while running"),
    ],
    ids=["a follower before the run", "the leader before the run", "the leader after the run"],
)
def test_a_worker_may_die_at_any_time_and_every_row_has_one_outcome(
    start: type[Session], monkeypatch: pytest.MonkeyPatch, dies: str, at: str, words: str
) -> None:
    monkeypatch.setenv("DIES", dies)
    monkeypatch.setenv("AT", at)
    session = start("dying", "-n", "2", "--wdtts-sessions", "2", "--wdtts-duration", "2", conftest=DIES)  # type: ignore[arg-type]
    _, output = session.end()
    outcomes = session.outcomes()
    assert {f"test_row[{row}]" for row in ROWS} <= set(outcomes), output
    assert words in output
    if at:
        assert outcomes[f"test_row[{at}]"] == "failure"
        assert len(sessions_of(journal(session.reports, "baseline.jsonl"))) == 2, "the others judged what it left"


def test_allure_has_every_row_once(start: type[Session]) -> None:
    pytest.importorskip("allure_pytest", reason="the extra `allure` is not installed")
    told = ("-p", "allure_pytest.plugin", "--alluredir=allure")
    session = start("allure", "-n", "2", "--wdtts-sessions", "2", "--wdtts-duration", "2", *told)  # type: ignore[arg-type]
    _, output = session.end()
    results = [json.loads(path.read_text()) for path in (session.directory / "allure").glob("*-result.json")]
    names = sorted(result["name"].removeprefix("baseline: ") for result in results)
    assert names == sorted([*ROWS, *(f"test_something_else[{number}]" for number in range(5))]), output
    histories = {result["historyId"] for result in results}
    assert len(histories) == len(results), "two results of one history are shown as tries of one test"
    labels = {result["name"]: {label["name"] for label in result["labels"]} for result in results}
    assert all("feature" in labels[f"baseline: {row}"] for row in ROWS), "rows are told as rows"


def test_a_report_that_cannot_be_written_is_said_and_the_verdict_stands(start: type[Session], tmp_path: Path) -> None:
    class InTheWay(start):  # type: ignore[valid-type, misc]
        def __init__(self, name: str, *arguments: str) -> None:
            (tmp_path / name / "wdtts-report" / "baseline.json").mkdir(parents=True)
            super().__init__(name, *arguments)

    session = InTheWay("way", "-n", "2", "-k", "test_row", "--wdtts-sessions", "4", "--wdtts-duration", "3")
    _, said = session.end()
    assert "INTERNALERROR" not in said, said
    assert "not written: json: wdtts-report/baseline.json cannot be written (Is a directory)" in said
    assert "baseline: " in said
    assert set(session.outcomes()) == {f"test_row[{row}]" for row in ROWS}
