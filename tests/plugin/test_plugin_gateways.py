"""Whole runs against gateways of every kind: each gets its verdict in time, none a traceback of ours.

What waits for a silent gateway waits side by side: the runs of one table are started together.
"""

import re
import signal
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from http import HTTPStatus
from pathlib import Path

import pytest
import trustme

from pytest_wdtts.errors import UsageError
from pytest_wdtts.record import read_journal
from tests import fake_gateways as fake
from tests.plain_v1_gateway import PlainGateway, running
from tests.plugin.plugin_process import TINY, Project, finish, verdicts

Finished = tuple[int, str, Project]


def run_together(
    runs: Mapping[str, tuple[str, AbstractContextManager[str], tuple[str, ...]]], folder: Path
) -> dict[str, Finished]:
    """Run a scenario against each gateway, all at once."""
    with ExitStack() as stack:
        started = {}
        for name, (scenario, gateway, options) in runs.items():
            (folder / name).mkdir()
            project = Project(folder / name).use(scenario)
            url = stack.enter_context(gateway)
            started[name] = project, project.start("-m", scenario, "--wdtts-url", url, *options)
        return {name: (*finish(process), project) for name, (project, process) in started.items()}


# --- no gateway to measure: said at once, nothing hangs ---

UNREACHABLE: dict[str, tuple[Callable[[], AbstractContextManager[str]], str, str]] = {
    "nobody": (fake.nobody, "nobody answers at http://127.0.0.1", "start the gateway, or correct --wdtts-url"),
    "401": (lambda: running(fake.Refusing(HTTPStatus.UNAUTHORIZED)), "HTTP 401", "--wdtts-api-key"),
    "404": (lambda: running(fake.Refusing(HTTPStatus.NOT_FOUND)), "HTTP 404", "the contract's path is /tts"),
    "503": (lambda: running(fake.Refusing(HTTPStatus.SERVICE_UNAVAILABLE)), "HTTP 503", "takes no new sessions"),
    "no_http": (fake.no_http, "ws://127.0.0.1", "expected 101 Switching Protocols"),
    "silent_tcp": (fake.tcp_that_says_nothing, "no answer to the WebSocket handshake within 10 s", "ws://127.0.0.1"),
}


@pytest.fixture(scope="module")
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    runs = {name: ("baseline", made(), TINY) for name, (made, *_) in UNREACHABLE.items()}
    return run_together(runs, tmp_path_factory.mktemp("unreachable"))


@pytest.mark.parametrize("name", UNREACHABLE)
def test_where_there_is_no_gateway_it_says_what_was_seen_and_what_to_do(
    unreachable: dict[str, Finished], name: str
) -> None:
    code, said, _ = unreachable[name]
    assert code == 1
    assert re.search(r"\b\d+ errors? in ", said)
    for words in UNREACHABLE[name][1:]:
        assert words in said


# --- gateways that misbehave: rows fail with evidence, the run ends ---

FAULTY = (*TINY, "--wdtts-sessions", "10", "--wdtts-duration", "3")
MISBEHAVING: dict[str, tuple[str, PlainGateway, tuple[str, ...], dict[str, str]]] = {
    "silent": ("baseline", fake.Silent(), TINY, {"session_errors": "no start_ack within 10 s"}),
    "bad_json": ("baseline", fake.BadJson(), TINY, {"session_errors": "not a message of the contract"}),
    "odd_json": ("baseline", fake.OddJson(), TINY, {"session_errors": "binary frame", "audio_integrity": "BAD_BASE64"}),
    "crashes": ("baseline", fake.CrashesLate(), TINY, {"session_errors": "closed with 1011 (out of memory)"}),
    "resume_never": ("mixed", fake.NoAnswerToResume(), FAULTY, {"missing_units": "missing"}),
    "resume_twice": ("mixed", fake.ReplaysTwice(), FAULTY, {"resume_exactly_once": "doubled"}),
    "resume_closed": ("mixed", fake.ClosesWithinReplay(), FAULTY, {"session_errors": "closed with 1011"}),
    "audio_first": ("mixed", fake.AudioBeforeResume(), FAULTY, {"resume_exactly_once": "chunks before resume"}),
}


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    runs = {
        name: (scenario, running(gateway), options) for name, (scenario, gateway, options, _) in MISBEHAVING.items()
    }
    return run_together(runs, tmp_path_factory.mktemp("misbehaving"))


@pytest.mark.parametrize("name", MISBEHAVING)
def test_misbehaviour_fails_its_rows_with_evidence_and_the_run_ends(
    misbehaving: dict[str, Finished], name: str
) -> None:
    code, said, project = misbehaving[name]
    scenario, _, _, expected = MISBEHAVING[name]
    report = project.report(scenario)
    by_id = {row["id"]: row for row in report["rows"]}
    assert code == 1, said
    assert report["stopped"] == ""
    for row_id, words in expected.items():
        row = by_id[row_id]
        # Many runs at once may make this one late and so no evidence; what was seen is told all the same.
        assert row["verdict"] in ("fail", "invalid"), row
        assert any(words in piece["what"] for piece in row["evidence"]), row


# --- a plain v1 gateway ---


def test_a_plain_v1_gateway_passes_the_baseline(tmp_path: Path) -> None:
    with running(PlainGateway()) as url:
        code, said = Project(tmp_path).use("baseline").run("-m", "baseline", "--wdtts-url", url, *TINY)
    report = Project(tmp_path).report("baseline")
    if verdicts(report)["run_valid"] == "invalid":
        pytest.skip(f"this machine is too busy to drive 3 sessions on time: {report['rows'][0]['observed']}")
    assert code == 0, said
    assert set(verdicts(report).values()) <= {"pass", "not_assessable"}
    assert report["summary"]["sent_units"] == report["summary"]["received_units"] == 180
    assert "baseline: PASS" in said


@pytest.mark.parametrize(
    ("gateway", "scenario"),
    [(PlainGateway, "mixed"), (PlainGateway, "heavy"), (fake.ForgetsEverything, "mixed")],
    ids=["plain-mixed", "plain-heavy", "forgetful-mixed"],
)
def test_a_plain_v1_gateway_gets_a_verdict_under_faults(
    tmp_path: Path, gateway: type[PlainGateway], scenario: str
) -> None:
    with running(gateway()) as url:
        code, said = Project(tmp_path).use(scenario).run("-m", scenario, "--wdtts-url", url, *FAULTY)
    report = Project(tmp_path).report(scenario)
    assert code in (0, 1), said
    # A busy machine may make our own sending late: then the run is no evidence, and says so.
    assert set(verdicts(report).values()) <= {"pass", "fail", "not_assessable", "invalid"}
    assert not any("the judge itself failed" in row["observed"] for row in report["rows"])
    assert report["summary"]["resumes"] >= 1
    if gateway is fake.ForgetsEverything:
        assert report["errors_by_code"].get("resume_not_available", 0) >= 1
        assert any(line["replaces"] for line in report["sessions"])


@pytest.mark.parametrize("transport", ["picows", "websockets"])
def test_wss_is_spoken_where_the_certificate_is_trusted_and_keys_stay_out_of_the_evidence(
    tmp_path: Path, transport: str
) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    project = Project(tmp_path).use("baseline")
    with running(PlainGateway(), tls) as url:
        order = ("-m", "baseline", "--wdtts-url", f"{url}?api_key=s3cret", "--wdtts-transport", transport, *TINY)
        _, said = project.run(*order, SSL_CERT_FILE=str(tmp_path / "ca.pem"))
        assert project.report("baseline")["summary"]["received_units"] == 180, said
        for kept in (tmp_path / "wdtts-report").iterdir():
            assert b"s3cret" not in kept.read_bytes(), kept
        code, said = project.run(*order)
    assert code == 1
    assert re.search(r"the certificate of https://\S+ is not trusted", said)
    assert "SSL_CERT_FILE" in said
    assert "s3cret" not in said


# --- Ctrl-C ---


def has_received(journal: Path) -> bool:
    """Whether any session has audio; a journal whose first line is not yet whole is none."""
    try:
        return any(record.received_ns for record in read_journal(journal).sessions)
    except UsageError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_in_seconds_with_a_partial_report(tmp_path: Path, number: signal.Signals) -> None:
    project = Project(tmp_path).use("baseline")
    options = ("--wdtts-sessions", "3", "--wdtts-cps", "20", "--wdtts-duration", "40")
    with running(PlainGateway()) as url:
        process = project.start("-m", "baseline", "--wdtts-url", url, *options)
        journal = tmp_path / "wdtts-report" / "baseline.jsonl"
        give_up_s = time.monotonic() + 60
        while not has_received(journal):
            assert time.monotonic() < give_up_s, "the run never began"
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        interrupted_s = time.monotonic()
        code, said = finish(process)
    assert time.monotonic() - interrupted_s < 30, "seconds, with room for a busy machine; the run had 30 s to go"
    assert code == 2, said
    report = project.report("baseline")
    written = {path.suffix for path in (tmp_path / "wdtts-report").iterdir()}
    assert written == {".jsonl", ".json", ".html", ".csv", ".hlog", ".prom", ".md"}
    assert report["stopped"] == "interrupted"
    assert report["summary"]["received_units"] > 0
    assert set(verdicts(report).values()) <= {"invalid", "not_assessable"}
    assert "invalid" in verdicts(report).values()
    assert "INVALID run_valid: partial run (interrupted)" in said
    assert "run it again: wdtts accept --scenario baseline" in said
    assert f"report: {Path('wdtts-report', 'baseline.json')}" in said


# --- a user's own test ---

OWN = """
@pytest.mark.load(sessions=3, cps=30, duration_s=3, ramp_s=0.5)
@pytest.mark.disconnect(percent=0.34, reconnect_delay_s=0.5, how="reset", moment="mid_stream")
def test_own(checklist, wdtts_run):
    checklist("run_valid")
    checklist("missing_units")
    checklist("resume_exactly_once")
    assert wdtts_run.result.injected["disconnect"] == 1
"""


def test_markers_on_a_users_own_test(tmp_path: Path) -> None:
    code, said = Project(tmp_path, test=OWN).run()
    if "the generator was late" in said:
        pytest.skip("this machine is too busy to drive 3 sessions on time")
    assert code == 0, said
    assert "test_own: PASS" in said


MISSPELT = """
@pytest.mark.load(sessions=1, cps=20, duration_s=1)
def test_own(checklist):
    checklist("missing_unit")
"""


def test_a_row_that_is_not_there_is_refused_with_the_valid_ids(tmp_path: Path) -> None:
    code, said = Project(tmp_path, test=MISSPELT).run()
    assert code == 1
    assert "no row 'missing_unit': one of run_valid, session_errors, missing_units" in said
