"""The reference gateway passes the whole catalogue; a gateway that is wrong somewhere fails just there."""

import asyncio
import json
import socket
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pytest_wdtts.cli import main
from pytest_wdtts.cli.conformance import SHORT_LIVED
from pytest_wdtts.conformance import CATALOGUE, Finding, carry_out, select, summary, try_case
from pytest_wdtts.conformance.case import Case
from pytest_wdtts.conformance.expected import Closed, Ends, Refused, Seen
from pytest_wdtts.conformance.wire import Opcode, frame_bytes
from pytest_wdtts.protocol import StartAck, TtsEnd, encode
from pytest_wdtts.stack import EmbeddedStack
from pytest_wdtts.transport import Target, parse_target
from reference_gateway.wav import wav_header
from tests.plain_v1_gateway import Message, PlainGateway, Session, running


def findings_with(cases: list[Case], *defects: str, environment: dict[str, str] = SHORT_LIVED) -> list[Finding]:
    stack = EmbeddedStack(environment, defects, api_key="a+key/=")
    gateway = stack.start()
    try:
        return asyncio.run(carry_out(cases, parse_target(gateway.url, gateway.api_key), "test"))
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    return {finding.id: finding for finding in findings_with(list(CATALOGUE))}


@pytest.mark.parametrize("case", CATALOGUE, ids=lambda case: case.id)
def test_reference_gateway_conforms(case: Case, findings: dict[str, Finding]) -> None:
    finding = findings[case.id]
    assert finding.passed, f"expected {finding.expected}; seen {finding.seen}"


def test_catalogue_is_large_and_its_ids_are_its_own() -> None:
    assert len(CATALOGUE) >= 150
    assert [name for name, count in Counter(case.id for case in CATALOGUE).items() if count > 1] == []


DEFECTS = {
    "blames_itself": "fields.text_delta.seq.*",
    "text_after_end": "states.flushing.text_delta",
    "error_left_open": "states.wait_start.cancel",
    "never_freed": "life.away.too_long*",
    "marks_ignored": "flushing.mark.*",
    "limit_ignored": "flushing.units_25",
    "chunk_lost:rate=1": "flushing.one_unit",
    "resume_repeats_all:share=1": "life.resume.first",
    "cancel_denied:share=1": "states.streaming.cancel",
    "end_missing:share=1": "flushing.nothing",
    "base64_wrong:rate=1": "messages.mono.fields",
    "session_id_foreign:rate=1": "messages.mono.session",
    "sample_rate_wrong:rate=1": "messages.*.format",
    "ack_of_another:share=1": "messages.*.format",
    "header_wrong:share=1": "messages.*.header",
    "index_shifted:rate=1": "messages.mono.order",
    "chunk_seq_gap:rate=1": "messages.mono.order",
    "chunk_seq_stuck:share=1": "messages.*.order",
    "pcm_with_header:rate=1": "messages.*.audio",
    "pcm_silent:rate=1": "messages.*.audio",
    "cancel_drops:share=1": "life.cancel.crossed*",
    "connections_share:share=1": "life.takeover.*_the_old",
}


@pytest.mark.parametrize(("defect", "glob"), DEFECTS.items())
def test_a_defect_fails_its_cases(defect: str, glob: str) -> None:
    found = findings_with(select([glob]), defect)
    assert not any(finding.passed for finding in found), summary(found)


class CountsAlong(PlainGateway):
    """Refuses a `seq` that does not grow by one."""

    async def take(self, session: Session, message: Message) -> bool:
        if "seq" in message:
            before = session.start.setdefault("seq_before", message["seq"] - 1)
            assert message["seq"] == before + 1
            session.start["seq_before"] = message["seq"]
        return await super().take(session, message)


@pytest.mark.parametrize(
    "glob", ["flushing.*", "messages.[mrs]*", "fields.text_delta.joined", "frames.fragments.*", "frames.ping.[ep]*"]
)
def test_a_gateway_that_counts_along_finds_no_gap(glob: str) -> None:
    with running(CountsAlong()) as url:
        found = asyncio.run(carry_out(select([glob]), parse_target(url), "counted"))
    assert all(finding.passed for finding in found), summary(found)


def test_a_plain_v1_gateway_is_not_blamed_for_what_it_says() -> None:
    with running(PlainGateway()) as url:
        found = asyncio.run(carry_out(select(["messages.*", "flushing.*"], ["*.error.*"]), parse_target(url), "plain"))
    assert all(finding.passed for finding in found), summary(found)


def test_a_connection_left_open_behind_its_close_frame_is_seen() -> None:
    told = (frame_bytes(text, Opcode.TEXT, mask=False) for text in (b'{"type":"start_ack"}', b'{"type":"tts_end"}'))
    closed = frame_bytes(b"\x03\xe8", Opcode.CLOSE, mask=False)

    def serve() -> None:
        wire, _ = listener.accept()
        with wire, suppress(ConnectionError):
            wire.recv(65536)
            wire.sendall(b"".join([b"HTTP/1.1 101 Switching Protocols\r\n\r\n", *told, closed]))
            while wire.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve)
        serving.start()
        target = parse_target(f"ws://127.0.0.1:{listener.getsockname()[1]}/tts")
        (case,) = select(["states.ended.connection"])
        finding = asyncio.run(try_case(case, target, "s"))
        serving.join()
    assert not finding.passed
    assert finding.seen.endswith("no eof came within 3 s")


def test_long_lived_sessions_are_skipped_with_the_reason() -> None:
    (finding,) = findings_with(select(["life.away.too_long"]), environment={})
    assert not finding.passed
    assert finding.skipped == "ttl_s is 120: sessions that live for over 3 s"


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        (Ends(chunks=("a",)), Seen([{"type": "audio_chunk", "units_text": "a"}], close_code=1000)),
        (Ends(chunks=()), Seen([{"type": "tts_end", "cancelled": False}])),
        (Ends(chunks=()), Seen([{"type": "tts_end", "cancelled": True}], close_code=1000)),
        (Ends(chunks=()), Seen([{"type": "tts_end", "cancelled": False}, {"type": "error"}], close_code=1000)),
        (Refused(), Seen([{"type": "error", "code": "bad_request"}], close_code=1006)),
        (Refused(), Seen([{"type": "error", "code": "internal_error"}], close_code=1000)),
        (Refused(names="seq"), Seen([{"type": "error", "code": "bad_request", "message": "no"}], close_code=1000)),
        (Closed(codes=(1002,)), Seen([{"type": "tts_end"}], close_code=1002)),
        (Closed(codes=(1002,)), Seen([], close_code=1000)),
    ],
)
def test_expectations_can_fail(expected: Ends | Refused | Closed, seen: Seen) -> None:
    assert not expected.met(seen)


def test_command_writes_json_and_says_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["conformance", "--include", "flushing.units*", "--exclude", "*_49", "--json", str(tmp_path / "c.json")]
    )
    assert (code, capsys.readouterr().out) == (0, "4 passed, 0 failed, 0 skipped of 4 cases\n")
    assert {finding["id"] for finding in json.loads((tmp_path / "c.json").read_bytes())} == {
        "flushing.units_23",
        "flushing.units_24",
        "flushing.units_25",
        "flushing.units_48",
    }


def test_summary_is_readable() -> None:
    wrong = Finding(7, "flushing.one_unit", "1", passed=False, expected="tts_end", seen="still open")
    assert summary([wrong]) == (
        "FAILED 007 flushing.one_unit  [1]\n  expected  tts_end\n  seen      still open\n"
        "0 passed, 1 failed, 0 skipped of 1 cases\n"
    )


def test_summary_counts_groups_and_parts_and_shortens_long_chunks() -> None:
    long = Seen([{"type": "audio_chunk", "units_text": "字" * 24}]).described()
    assert long == "'字字字字字字字字'... (24 units), still open"
    wrong = Finding(7, "flushing.one_unit", "1, flush rule", passed=False, expected="tts_end", seen=long)
    late = Finding(9, "life.away.too_long", "2.3", passed=False, expected="", seen="", skipped="ttl_s is 120")
    right = Finding(8, "flushing.nothing", "1, flush rule", passed=True, expected="", seen="")
    assert summary([wrong, right, late]).splitlines()[-5:] == [
        "1 passed, 1 failed, 0 skipped: flushing",
        "0 passed, 0 failed, 1 skipped: life",
        "1 passed, 1 failed, 0 skipped: part 1, frozen v1",
        "0 passed, 0 failed, 1 skipped: part 2, what this project pins",
        "1 passed, 1 failed, 1 skipped of 3 cases",
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize("ttl_s", ["120.0", '"for ever"'])
async def test_a_gateway_may_send_its_messages_in_several_frames_whatever_is_in_them(ttl_s: str) -> None:
    async def speak(peer: ServerConnection) -> None:
        for answer in (StartAck("test", "pcm16_wav", 16000, 1, 120.0, wav_header(16000, 1)), TtsEnd("test", 0, False)):
            await peer.recv()
            text = encode(answer).decode().replace("120.0", ttl_s)
            await peer.send([text[:9], text[9:]])

    (case,) = select(["flushing.nothing"])
    async with serve(speak, "127.0.0.1", 0) as server:
        target = Target("127.0.0.1", next(iter(server.sockets)).getsockname()[1], "/tts")
        finding = await try_case(case, target, "test")
    assert finding.seen.startswith("start_ack, tts_end, close 1000")


def test_where_no_case_could_be_tried_nothing_has_passed(capsys: pytest.CaptureFixture[str]) -> None:
    stack = EmbeddedStack()
    url = stack.start().url.replace("/tts", "/elsewhere")
    try:
        assert main(["conformance", "--url", url, "--include", "flushing.units*"]) == 3
    finally:
        stack.stop()
    said = capsys.readouterr()
    assert said.out.endswith("0 passed, 0 failed, 5 skipped of 5 cases\n")
    assert "no case could be tried (no WebSocket at all: HTTP/1.1 404 Not Found): check --url and --api-key" in said.err


def test_command_lists_without_trying(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", "--list", "--include", "flushing.one_unit"]) == 0
    assert capsys.readouterr().out == "flushing.one_unit  [1, flush rule]  start_ack, 'a', tts_end, close 1000\n"


def test_no_case_chosen_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", "--include", "nothing*"]) == 4
    assert "wdtts conformance --list" in capsys.readouterr().err
