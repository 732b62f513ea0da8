"""The orchestrator against a real gateway and the stub LLM: what a client sees, and that no failure is silent."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from reference_gateway.orchestrator.pieces import Pieces
from tests.services import Service, gateway, orchestrator, stub_llm

LIMIT_S = 20.0
NOBODY = "127.0.0.1:9"  # the discard port: nothing listens there on a test machine

Message = dict[str, Any]


@pytest.fixture(scope="module")
def tts() -> Iterator[Service]:
    with gateway() as service:
        yield service


def chat(service: Service, request: object, cancel_after: str = "", query: str = "") -> list[Message]:
    """Hold one chat and return all that came; after the first message of type `cancel_after`, cancel."""
    messages: list[Message] = []
    with connect(f"{service.ws}/chat{query}", max_size=None, proxy=None) as socket:
        socket.send(request if isinstance(request, (str, bytes)) else json.dumps(request))
        while cancel_after:
            messages.append(json.loads(socket.recv(timeout=LIMIT_S)))
            if messages[-1]["type"] == cancel_after:
                socket.send(json.dumps({"type": "cancel", "session_id": "s", "seq": 99}))
                cancel_after = ""
        return messages + _until_closed(socket)


def _until_closed(socket: ClientConnection) -> list[Message]:
    messages: list[Message] = []
    while True:
        try:
            messages.append(json.loads(socket.recv(timeout=LIMIT_S)))
        except ConnectionClosed:
            return messages


def kinds(messages: list[Message]) -> list[str]:
    return [message["type"] for message in messages]


def text_of(messages: list[Message], kind: str, key: str) -> str:
    return "".join(message[key] for message in messages if message["type"] == kind)


def test_an_answer_is_streamed_as_text_and_as_audio_of_just_that_text(tts: Service) -> None:
    with stub_llm() as llm, orchestrator(llm.http, tts.url) as service:
        messages = chat(service, {"prompt": "你好", "session_id": "a1", "sample_rate": 16000, "channels": 1})
    assert kinds(messages)[0] == "orchestrator_start"
    assert kinds(messages)[-1] == "tts_end"
    text = text_of(messages, "llm_delta", "delta")
    assert text == text_of(messages, "audio_chunk", "units_text")
    (done,) = [message for message in messages if message["type"] == "llm_done"]
    assert done["full_text_len"] == len(text)
    assert done["elapsed_ms"] > 0
    assert {message["session_id"] for message in messages if message["type"] == "audio_chunk"} == {"a1"}


def test_audio_starts_while_the_answer_is_still_being_written(tts: Service) -> None:
    with stub_llm(STUB_LLM_TOKENS_PER_S="40") as llm, orchestrator(llm.http, tts.url) as service:
        order = kinds(chat(service, {"prompt": "你好"}))
    assert order.index("audio_chunk") < order.index("llm_done")


def test_a_cancel_stops_the_text_and_the_audio(tts: Service) -> None:
    with stub_llm(STUB_LLM_TOKENS_PER_S="8") as llm, orchestrator(llm.http, tts.url) as service:
        messages = chat(service, {"prompt": "你好"}, cancel_after="llm_delta")
    assert messages[-1] == messages[-1] | {"type": "tts_end", "cancelled": True}
    assert "llm_done" not in kinds(messages)


@pytest.mark.parametrize(
    ("llm_settings", "code", "words"),
    [
        ({"MAX_MODEL_LEN": "5"}, "llm_bad_request", "longer than the model's context length"),
        ({"SGLANG_API_KEY": "other"}, "llm_unauthorized", "401"),
        ({"STUB_LLM_DEFECT": "stream_cut"}, "llm_broken", "broke"),
        ({"STUB_LLM_DEFECT": "error_mid_stream"}, "llm_failed", "CUDA out of memory"),
        ({"STUB_LLM_DEFECT": "empty"}, "llm_empty", "without a word"),
        ({"STUB_LLM_DEFECT": "http_500"}, "llm_failed", "500"),
        ({"STUB_LLM_DEFECT": "silence"}, "llm_timeout", "0.5 s"),
    ],
)
def test_a_failing_llm_is_an_error_with_a_code(
    tts: Service, llm_settings: dict[str, str], code: str, words: str
) -> None:
    wrong_key = {"SGLANG_API_KEY": "mine"} if "SGLANG_API_KEY" in llm_settings else {}
    with (
        stub_llm(**llm_settings) as llm,
        orchestrator(llm.http, tts.url, ORCHESTRATOR_LLM_IDLE_S="0.5", **wrong_key) as service,
    ):
        last = chat(service, {"prompt": "說一個很長的故事"})[-1]
    assert (last["type"], last["code"]) == ("orchestrator_error", code)
    assert words in last["message"]


def test_an_llm_that_nobody_runs_is_named(tts: Service) -> None:
    with orchestrator(f"http://{NOBODY}", tts.url) as service:
        last = chat(service, {"prompt": "你好"})[-1]
    assert last["code"] == "llm_unreachable"
    assert NOBODY in last["message"]


def test_an_llm_whose_machine_does_not_answer_is_unreachable_not_slow(tts: Service) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with (
            socket.create_connection(deaf.getsockname()),  # whoever comes after it is not even refused
            orchestrator(url, tts.url, ORCHESTRATOR_CONNECT_S="0.5") as service,
        ):
            last = chat(service, {"prompt": "你好"})[-1]
    assert last["code"] == "llm_unreachable"
    assert "no answer within 0.5 s" in last["message"]


def test_a_gateway_that_nobody_runs_is_named() -> None:
    with stub_llm() as llm, orchestrator(llm.http, f"ws://{NOBODY}/tts") as service:
        last = chat(service, {"prompt": "你好"})[-1]
    assert last["code"] == "tts_unreachable"


def test_a_gateway_that_wants_another_key_is_named() -> None:
    with (
        gateway(WS_TTS_API_KEY="right") as tts,
        stub_llm() as llm,
        orchestrator(llm.http, tts.url, WS_TTS_API_KEY="wrong") as service,
    ):
        last = chat(service, {"prompt": "你好"})[-1]
    assert last["code"] == "tts_refused"
    assert "401" in last["message"]


def test_the_gateways_own_error_reaches_the_client(tts: Service) -> None:
    with stub_llm() as llm, orchestrator(llm.http, tts.url) as service:
        last = chat(service, {"prompt": "你好", "sample_rate": 12345})[-1]
    assert (last["type"], last["code"]) == ("error", "bad_request")


def test_a_gateway_that_drops_the_connection_is_named() -> None:
    with (
        gateway(WS_TTS_TTL_S="1") as tts,
        stub_llm(STUB_LLM_TOKENS_PER_S="8") as llm,
        orchestrator(llm.http, tts.url) as service,
        connect(f"{service.ws}/chat", proxy=None) as socket,
    ):
        socket.send(json.dumps({"prompt": "你好", "session_id": "dropped"}))
        while json.loads(socket.recv(timeout=LIMIT_S))["type"] != "llm_delta":
            pass
        # A second connection of the same session takes it over: the gateway closes the orchestrator's.
        with connect(tts.url, proxy=None) as thief:
            thief.send(
                json.dumps(
                    {
                        "type": "start",
                        "session_id": "dropped",
                        "audio_format": "pcm16_wav",
                        "sample_rate": 16000,
                        "channels": 1,
                    }
                )
            )
            thief.recv(timeout=LIMIT_S)
            last = _until_closed(socket)[-1]
    assert last["code"] == "tts_broken"


@pytest.mark.parametrize("request_", ["no JSON", "{}", '{"prompt": ""}', '{"prompt": 5}', b"binary"])
def test_a_wrong_request_is_refused_with_words(tts: Service, request_: str | bytes) -> None:
    with orchestrator(f"http://{NOBODY}", tts.url) as service:
        (only,) = chat(service, request_)
    assert only["code"] == "bad_request"
    assert only["message"]


def test_a_key_is_asked_where_one_is_set(tts: Service) -> None:
    with stub_llm() as llm, orchestrator(llm.http, tts.url, ORCHESTRATOR_API_KEY="k") as service:
        with pytest.raises(InvalidStatus) as refused:
            chat(service, {"prompt": "你好"})
        assert refused.value.response.status_code == 401
        assert chat(service, {"prompt": "你好"}, query="?api_key=k")[-1]["type"] == "tts_end"


def test_health_names_what_the_process_really_uses(tts: Service) -> None:
    with orchestrator("http://llm.example:1", tts.url, SGLANG_MODEL="m1", SGLANG_API_KEY="secret") as service:
        answer = httpx.get(f"{service.http}/healthz", trust_env=False)
    assert answer.json()["model"] == "m1"
    assert answer.json()["llm_url"] == "http://llm.example:1"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("parts", "pieces", "rest"),
    [
        (["你", "好，", "世"], ["你好，"], "世"),
        (["一二三四五六七八九十一二三"], ["一二三四五六七八九十一二"], "三"),
        (["a.b.c"], ["a.", "b."], "c"),
        ([""], [], ""),
    ],
)
def test_pieces_end_at_a_mark_or_at_twelve(parts: list[str], pieces: list[str], rest: str) -> None:
    cutter = Pieces()
    assert [piece for part in parts for piece in cutter.cut(part)] == pieces
    assert cutter.rest == rest
