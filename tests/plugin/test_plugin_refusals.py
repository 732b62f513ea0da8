"""What cannot be asked is refused at collection, in words: seen, expected, next step. No run, no traceback."""

import os
from collections import Counter

import pytest

import pytest_wdtts.gate  # noqa: F401 - pytester takes back what a run imports, and numpy cannot be imported twice
from tests.fake_gateways import nobody
from tests.plugin.plugin_process import ROOT, Project, without_traceback

pytest_plugins = ["pytester"]

USAGE_ERROR = 4

OWN = "def test_own(wdtts_run):\n    pass"

OPTIONS: list[tuple[list[str], str]] = [
    (["--wdtts-sesions", "5"], "unrecognized arguments: --wdtts-sesions"),
    (["--wdtts-sessions", "many"], "invalid int value: 'many'"),
    (["--wdtts-stack", "cloud"], "invalid choice: 'cloud'"),
    (["--wdtts-again", "-1"], "--wdtts-again is -1: give how often to try again, 0 or more"),
    (["--wdtts-again", "1", "--wdtts-cluster", "tcp://127.0.0.1:1"], "not a cluster's: leave one out"),
    (["--wdtts-sessions", "0"], "sessions=0 cannot be a load: give a number above 0"),
    (["--wdtts-sessions", "-1"], "sessions=-1 cannot be a load"),
    (["--wdtts-cps", "0"], "cps=0 cannot be a load"),
    (["--wdtts-cps", "-5"], "cps=-5 cannot be a load"),
    (["--wdtts-cps", "nan"], "cps=nan cannot be a load"),
    (["--wdtts-duration", "0"], "duration_s=0 cannot be a load"),
    (["--wdtts-url", "http://127.0.0.1:9000/tts"], "is no WebSocket URL (scheme 'http'): give one like ws://"),
    (["--wdtts-url", "gateway"], "is no WebSocket URL"),
    (["--wdtts-url", "ws://gateway:99999/tts"], "has an impossible port"),
    (["--wdtts-stack", "external"], "--wdtts-stack external needs --wdtts-url"),
    (["--wdtts-stack", "embedded", "--wdtts-url", "ws://h/tts"], "leave one of them out"),
    (["--wdtts-url", ""], "--wdtts-url is empty: give one like ws://127.0.0.1:9000/tts, or leave it out"),
    (["--wdtts-api-key", "\u00e9"], "--wdtts-api-key has characters that no header takes"),
    (["--wdtts-defect", "chunk_last"], "--wdtts-defect 'chunk_last' is unknown; valid names: ack_missing"),
    (["--wdtts-defect", "chunk_lost;"], "--wdtts-defect '' is unknown; valid names"),
    (["--wdtts-defect", "chunk_lost:share=1"], "--wdtts-defect chunk_lost: no argument 'share'; valid: "),
    (
        ["--wdtts-defect", "chunk_lost", "--wdtts-url", "ws://h/tts"],
        "is for the embedded gateway, and the stack is external",
    ),
    (["--wdtts-defect", "chunk_lost", "--wdtts-stack", "compose"], "the embedded gateway, and the stack is compose"),
    (["--wdtts-cluster", "scheduler"], "'scheduler' is no address of a Dask scheduler: give tcp://scheduler:8786"),
    (["--wdtts-cluster", "tcp://scheduler"], "is no address of a Dask scheduler"),
    (["--wdtts-cluster", "http://scheduler:8786"], "is no address of a Dask scheduler"),
    (["--wdtts-duration", "600"], "units, but 5 cps x 600 s needs at least 3000: give a longer text"),
    (["--wdtts-corpus", "none.txt"], "corpus 'none.txt' cannot be read (No such file or directory)"),
    (["--wdtts-corpus", "empty.txt"], "corpus empty.txt is empty: it needs at least cps x duration units"),
    (["--wdtts-corpus", "big5.txt"], "is not UTF-8 (byte 0 is 0xb1): save it as UTF-8"),
    (["--wdtts-corpus", "short.txt"], "corpus 'short.txt' has 3 units, but 5 cps x 60 s needs at least 300"),
]


class InProcess(Project):
    """The same without a process of its own, which is enough where nothing is run."""

    def __init__(self, pytester: pytest.Pytester, ini: str = "", test: str = "") -> None:
        super().__init__(pytester.path, ini, test)
        self._pytester = pytester

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("WDTTS_")]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            done = self._pytester.runpytest_inprocess(*arguments)
        return int(done.ret), without_traceback(f"{done.stdout.str()}\n{done.stderr.str()}")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    (pytester.path / "empty.txt").write_bytes(b"")
    (pytester.path / "big5.txt").write_bytes("您好".encode("big5"))
    (pytester.path / "short.txt").write_text("您好。", encoding="utf-8")
    return InProcess(pytester).use("baseline")


@pytest.mark.parametrize(("arguments", "words"), OPTIONS, ids=[" ".join(case[0]) for case in OPTIONS])
def test_options(project: Project, arguments: list[str], words: str) -> None:
    code, said = project.run("-m", "baseline", *arguments)
    assert words in said
    assert code == USAGE_ERROR
    assert not (project.folder / "wdtts-report").exists()


MARKERS: list[tuple[str, str]] = [
    ("load(session=5)", "load() has no session: valid are sessions, cps, duration_s, corpus, seed"),
    ("load(5)", "load() takes keyword arguments only: load(sessions"),
    ("load(sessions='5 of them')", "load(): Expected `int`, got `str`"),
    ("load(cps=0)", "cps=0 cannot be a load"),
    ("load(channels=3)", "channels=3 is not in the contract: give 1 or 2"),
    ("disconnect(percent=1.1)", "disconnect(percent=1.1): a share is a number from 0 to 1, 0.1 for ten percent"),
    ("disconnect(percent=10)", "a share is a number from 0 to 1"),
    ("cancel(percent=-0.1)", "cancel(percent=-0.1): a share is a number"),
    ("slow_reader(percent=float('nan'))", "slow_reader(percent=nan): a share is a number"),
    ("disconnect(resume_percent=2)", "disconnect(resume_percent=2): a share is a number"),
    ("disconnect(delay=5)", "disconnect() has no delay: valid are percent, reconnect_delay_s, how"),
    ("cancel(when='now')", "cancel() has no when: valid are percent, moment"),
    ("cancel(moment='now')", "cancel(moment='now'): one of any, before_audio, mid_stream, flushing"),
    ("disconnect(how='axe')", "disconnect(how='axe'): one of any, close, reset, silence, within_frame"),
    ("slow_reader(pause_s=60)", "does not fit into 60 s: shorten the fault or lengthen the duration"),
    ("disconnect(times=12, reconnect_delay_s=5)", "12 x 5 s does not fit into 60 s"),
    ("disconnect(times=0)", "disconnect(times=0): give 1 or more"),
    ("slow_reader(pause_s=-1)", "slow_reader(pause_s=-1): give 0 or more"),
    ("slow_reader(pause_s=float('nan'))", "slow_reader(pause_s=nan)"),
    ("disconnect(reconnect_delay_s=float('inf'))", "disconnect(reconnect_delay_s=inf): give"),
]


@pytest.mark.parametrize(("marker", "words"), MARKERS, ids=[case[0] for case in MARKERS])
def test_markers(pytester: pytest.Pytester, marker: str, words: str) -> None:
    code, said = InProcess(pytester, test=f"@pytest.mark.{marker}\n{OWN}").run()
    assert words in said
    assert "test_own.py::test_own: " in said
    assert code == USAGE_ERROR


def test_a_test_has_one_scenario(pytester: pytest.Pytester) -> None:
    code, said = InProcess(pytester, test=f"@pytest.mark.baseline\n@pytest.mark.mixed\n{OWN}").run("-m", "mixed")
    assert "test_own is marked baseline and mixed: one test asks for one scenario" in said
    assert code == USAGE_ERROR


def test_an_unknown_marker_is_pytests_to_refuse(pytester: pytest.Pytester) -> None:
    code, said = InProcess(pytester, test=f"@pytest.mark.slow_readers(percent=0.1)\n{OWN}").run()
    assert "'slow_readers' not found in `markers` configuration option" in said
    assert code != 0


def test_a_run_needs_a_marker(pytester: pytest.Pytester) -> None:
    code, said = InProcess(pytester, test=OWN).run()
    assert "wdtts_run needs a marker: baseline, mixed, heavy" in said
    assert code == 1


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("WDTTS_SESSIONS", "many", "environment WDTTS_SESSIONS is 'many': --wdtts-sessions takes int"),
        ("WDTTS_CPS", "0", "cps=0 cannot be a load"),
        ("WDTTS_STACK", "cloud", "environment WDTTS_STACK is 'cloud': one of embedded, compose, external"),
    ],
)
def test_environment(project: Project, variable: str, value: str, words: str) -> None:
    code, said = project.run("-m", "baseline", **{variable: value})
    assert words in said
    assert code == USAGE_ERROR


def test_ini(pytester: pytest.Pytester) -> None:
    code, said = InProcess(pytester, ini="wdtts_cps = fast\n").use("baseline").run("-m", "baseline")
    assert "ini key wdtts_cps is 'fast': --wdtts-cps takes float" in said
    assert code == USAGE_ERROR


def test_a_test_that_is_not_selected_is_not_checked(pytester: pytest.Pytester) -> None:
    project = InProcess(pytester, test=f"@pytest.mark.load(session=5)\n{OWN}\n\ndef test_other():\n    pass")
    code, said = project.run("-k", "other")
    assert (code, "1 passed" in said) == (0, True)


def test_a_report_directory_that_cannot_be(project: Project) -> None:
    with nobody() as url:
        code, said = project.run("-m", "baseline", "--wdtts-report", "short.txt", "--wdtts-url", url, "-x")
    assert "no reports can be written to short.txt (File exists)" in said
    assert code == 1


NAMED = """\
from pytest_wdtts.markers import read_markers
from pytest_wdtts.ordering import report_dir, run_name

def pytest_collection_finish(session):
    print("NAMES", *(run_name(session.config, read_markers(item)) for item in session.items))
    print("FOLDERS", *(report_dir(session.config, read_markers(item)) for item in session.items))
"""

ALIKE = """
@pytest.mark.load(sessions=3)
class TestA:
    def test_one(self, wdtts_run): pass
    def test_two(self, wdtts_run): pass

@pytest.mark.load(sessions=4)
class TestB:
    def test_one(self, wdtts_run): pass
"""


def test_tests_that_ask_for_the_same_share_a_run_and_two_runs_never_share_a_name(pytester: pytest.Pytester) -> None:
    project = InProcess(pytester, test=ALIKE)
    (pytester.path / "conftest.py").write_text(NAMED)
    code, said = project.run("--collect-only", "-s")
    assert code == 0, said
    assert "NAMES test_one test_one test_one-2" in said.splitlines()


def test_two_runs_of_a_scenario_never_share_a_report(pytester: pytest.Pytester) -> None:
    project = InProcess(pytester, test=ALIKE.replace("@pytest.mark.load", "@pytest.mark.baseline\n@pytest.mark.load"))
    (pytester.path / "conftest.py").write_text(NAMED)
    code, said = project.run("--collect-only", "-s", "--wdtts-report", "kept")
    assert code == 0, said
    assert f"FOLDERS kept kept {os.path.join('kept', 'baseline-2')}" in said.splitlines()


def test_a_home_directory_is_known_by_its_sign_where_no_shell_puts_it_in(pytester: pytest.Pytester) -> None:
    project = InProcess(pytester, ini="wdtts_report = ~/kept\n", test=ALIKE)
    (pytester.path / "conftest.py").write_text(NAMED)
    code, said = project.run("--collect-only", "-s", HOME=str(pytester.path), USERPROFILE=str(pytester.path))
    assert code == 0, said
    assert f"FOLDERS {' '.join([str(pytester.path / 'kept')] * 3)}" in said.splitlines()


STRENGTH = """\
def pytest_collection_finish(session):
    from pytest_wdtts.markers import read_markers
    from pytest_wdtts.ordering import take_order
    for item in session.items:
        order = take_order(session.config, read_markers(item))
        print("LOAD", sorted(order.load.items()))
"""


def test_command_line_over_environment_over_marker_over_ini_over_default(pytester: pytest.Pytester) -> None:
    """Seven fields, one for each way in which voices can contend."""
    ini = "wdtts_sessions = 1\nwdtts_cps = 1\nwdtts_duration = 11\nwdtts_seed = 1\n"
    project = InProcess(pytester, ini, f"@pytest.mark.load(sessions=2, cps=2, duration_s=12)\n{OWN}")
    (pytester.path / "conftest.py").write_text(STRENGTH)
    code, said = project.run(
        "--collect-only", "-s", "--wdtts-sessions", "4", WDTTS_SESSIONS="3", WDTTS_CPS="3", WDTTS_CORPUS="en"
    )
    assert code == 0, said
    (line,) = (line for line in said.splitlines() if line.startswith("LOAD"))
    assert line == ("LOAD [('corpus', 'en'), ('cps', 3.0), ('duration_s', 12), ('seed', 1), ('sessions', 4)]")


WANTED = """\
def pytest_collection_finish(session):
    from pytest_wdtts.markers import read_markers
    print("WANTED", *(item.name for item in session.items if read_markers(item)))
"""

SKIPPED = """
pytestmark = pytest.mark.load(sessions=3)

@pytest.mark.skip
def test_skipped(wdtts_run): pass

@pytest.mark.skipif(True, reason="never")
def test_skipped_if(wdtts_run): pass

@pytest.mark.skipif("1 +", reason="cannot be read")
def test_unreadable(wdtts_run): pass

@pytest.mark.skipif(False, reason="ever")
def test_run(wdtts_run): pass
"""


def test_a_skipped_test_asks_for_no_run_that_the_workers_would_wait_for(pytester: pytest.Pytester) -> None:
    project = InProcess(pytester, test=SKIPPED)
    (pytester.path / "conftest.py").write_text(WANTED)
    code, said = project.run("--collect-only", "-s")
    assert code == 0, said
    assert "WANTED test_unreadable test_run" in said.splitlines()


def test_where_there_are_no_containers_their_scenario_is_skipped_with_the_next_step(pytester: pytest.Pytester) -> None:
    code, said = InProcess(pytester).use("containers").run("-m", "containers", "-rs")
    assert code == 0, said
    assert "there are no containers to break: --wdtts-stack compose" in said
    assert "42 skipped" in said


def test_the_rows_of_a_parametrized_test_share_a_run_with_the_test_s_name(pytester: pytest.Pytester) -> None:
    project = InProcess(pytester).use("containers")
    (pytester.path / "conftest.py").write_text(NAMED)
    compose_file = str(ROOT / "ci" / "compose.yaml")
    code, said = project.run("--collect-only", "-s", "--wdtts-stack", "compose", WDTTS_COMPOSE_FILE=compose_file)
    assert code == 0, said
    (names,) = (line.split()[1:] for line in said.splitlines() if line.startswith("NAMES"))
    assert Counter(names) == {"test_taken_away": 14, "test_under_strain": 14, "test_replicas": 14}
