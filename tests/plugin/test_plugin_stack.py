"""The stack as a fixture: a user's own tests get a gateway that is up, and words where there is none."""

from http import HTTPStatus
from pathlib import Path

from tests import fake_gateways as fake
from tests.plain_v1_gateway import running
from tests.plugin.plugin_process import ROOT, Project

SPEAKS = """
import json

from websockets.sync.client import connect


def test_own(wdtts_gateway):
    assert wdtts_gateway.health["status"] == "ok"
    with connect(wdtts_gateway.url, additional_headers={"Authorization": f"Bearer {wdtts_gateway.api_key}"}) as line:
        start = {"type": "start", "session_id": "own", "audio_format": "pcm16_wav", "sample_rate": 16000, "channels": 1}
        line.send(json.dumps(start))
        assert json.loads(line.recv(timeout=10))["type"] == "start_ack"


def test_another(wdtts_gateway):
    assert wdtts_gateway.url.startswith("ws://127.0.0.1:")
"""


def test_a_test_of_ones_own_speaks_to_the_embedded_gateway(tmp_path: Path) -> None:
    code, said = Project(tmp_path, test=SPEAKS).run("--wdtts-api-key", "sesame")
    assert code == 0, said
    assert "2 passed" in said


def test_where_no_gateway_answers_the_test_says_so_and_what_to_do(tmp_path: Path) -> None:
    with fake.nobody() as url:
        code, said = Project(tmp_path, test=SPEAKS).run("--wdtts-url", url)
    assert code == 1
    assert "invalid: nobody answers at" in said
    assert "start the gateway, or correct --wdtts-url" in said


def test_a_stack_that_cannot_be_asked_for_is_refused_in_words(tmp_path: Path) -> None:
    code, said = Project(tmp_path, test=SPEAKS).run("--wdtts-stack", "external")
    assert code == 1
    assert "--wdtts-stack external needs --wdtts-url" in said


def test_a_gateway_that_takes_no_session_is_no_place_for_tests(tmp_path: Path) -> None:
    with running(fake.Refusing(HTTPStatus.UNAUTHORIZED)) as url:
        code, said = Project(tmp_path, test=SPEAKS).run("--wdtts-url", url)
    assert code == 1
    assert "HTTP 401" in said
    assert "--wdtts-api-key" in said


def test_conformance_with_no_session_at_all_is_not_green(tmp_path: Path) -> None:
    (tmp_path / "test_contract.py").write_text((ROOT / "scenarios/conformance/test_contract.py").read_text())
    with running(fake.Refusing(HTTPStatus.NOT_FOUND)) as url:
        code, said = Project(tmp_path).run("-m", "conformance", "--wdtts-include", "states.*", "--wdtts-url", url)
    assert code == 1
    assert "skipped" not in said.splitlines()[-1]
    assert "the contract's path is /tts" in said
