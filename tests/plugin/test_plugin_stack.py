"""The stack as a fixture: a user's own tests get a gateway that is up, and words where there is none."""

from pathlib import Path

from tests.fake_gateways import nobody
from tests.plugin.plugin_process import Project

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
    with nobody() as url:
        code, said = Project(tmp_path, test=SPEAKS).run("--wdtts-url", url)
    assert code == 1
    assert "invalid: nobody answers at" in said
    assert "start the gateway, or correct --wdtts-url" in said


def test_a_stack_that_cannot_be_asked_for_is_refused_in_words(tmp_path: Path) -> None:
    code, said = Project(tmp_path, test=SPEAKS).run("--wdtts-stack", "external")
    assert code == 1
    assert "--wdtts-stack external needs --wdtts-url" in said
