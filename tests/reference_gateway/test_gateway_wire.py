"""A gateway process spoken to by an independent client: the rules of the contract over real sockets."""

import asyncio
import base64
import json
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from tests.reference_gateway.gateway_process import (
    DEADLINE_S,
    Client,
    GatewayProcess,
    Message,
    client,
    gateway,
    units_in_tone,
)

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def plain() -> AsyncIterator[GatewayProcess]:
    async with gateway() as running:
        yield running


def spoken(messages: list[Message]) -> str:
    """Check that the chunks follow each other without a gap; return their text."""
    chunks = [message for message in messages if message["type"] == "audio_chunk"]
    for before, after in pairwise(chunks):
        assert after["unit_index_start"] == before["unit_index_end"] + 1
        assert after["chunk_seq"] == before["chunk_seq"] + 1
    return "".join(chunk["units_text"] for chunk in chunks)


async def metric(running: GatewayProcess, name: str) -> float:
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"{running.http}/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith(f"wdtts_gateway_{name}")]
    return float(lines[0].split()[-1]) if lines else 0.0


async def until(running: GatewayProcess, name: str, value: float) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await metric(running, name) != value:
            pass


async def until_draining(running: GatewayProcess) -> Message:
    async with httpx.AsyncClient() as http, asyncio.timeout(DEADLINE_S):
        while (health := await http.get(f"{running.http}/healthz")).status_code != 503:
            pass
    body: Message = health.json()
    return body


class TestAudio:
    @pytest.mark.parametrize("channels", [1, 2])
    async def test_the_tone_alone_proves_the_text(self, channels: int) -> None:
        text = "你好，a a！\U0001f600\0末"
        async with gateway(unit_audio_ms=80) as running, client(running) as speaker:
            await speaker.start(channels=channels)
            await speaker.say("text_delta", text=text)
            await speaker.say("text_end")
            *chunks, end = await speaker.hear_out()
        assert end == {"type": "tts_end", "session_id": "s", "seq": len(chunks), "cancelled": False}
        assert [chunk["units_text"] for chunk in chunks] == ["你好，", "a a！", "\U0001f600\0末"]
        assert "".join(units_in_tone(chunk, 80) for chunk in chunks) == text
        assert speaker.socket.close_code == 1000

    async def test_the_header_is_wav_of_no_length(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker:
            ack = await speaker.start(channels=2)
        header = base64.b64decode(ack["wav_header_base64"])
        assert len(header) == 44
        assert header[:4] + header[8:16] + header[36:] == b"RIFFWAVEfmt data\0\0\0\0"
        assert int.from_bytes(header[24:28], "little") == 16000
        assert (ack["ttl_s"], ack["unit_tone"], ack["unit_audio_ms"]) == (120.0, "wdtts.tone/1", 40)
        assert "resumed" not in ack
        assert "units_accepted" not in ack

    async def test_a_fast_reader_of_one_huge_delta_gets_it_all(self, plain: GatewayProcess) -> None:
        text = "一二三四五六七八九，" * 2000
        async with client(plain) as speaker:
            await speaker.start()
            await speaker.say("text_delta", text=text)
            await speaker.say("text_end")
            messages = await speaker.hear_out()
        assert spoken(messages) == text
        assert messages[-1]["type"] == "tts_end"

    async def test_a_lone_surrogate_comes_back_as_it_went(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker:
            await speaker.start()
            await speaker.say("text_delta", text="\ud83d!")
            chunk = await speaker.hear()
        assert chunk["units_text"] == "\ud83d!"
        assert units_in_tone(chunk) == "\ud83d!"


class TestResume:
    async def test_an_abrupt_cut_in_the_middle_costs_nothing_and_doubles_nothing(self, plain: GatewayProcess) -> None:
        text = "一二三四五，" * 100
        heard: list[Message] = []
        accepted = 0
        for connection in range(6):
            async with client(plain) as speaker:
                ack = await speaker.start()
                if connection:
                    assert ack["resumed"] is True
                    accepted = ack["units_accepted"]
                    await speaker.say("resume", last_unit_index_received=heard[-1]["unit_index_end"] if heard else -1)
                goal = (connection + 1) * 90
                for at in range(accepted, goal, 7):
                    await speaker.say("text_delta", text=text[at : min(at + 7, goal)])
                while not heard or heard[-1]["unit_index_end"] < goal - 40:
                    heard.append(await speaker.hear())
                await speaker.cut()
        async with client(plain) as speaker:
            ack = await speaker.start()
            await speaker.say("resume", last_unit_index_received=heard[-1]["unit_index_end"])
            await speaker.say("text_delta", text=text[ack["units_accepted"] :])
            await speaker.say("text_end")
            heard += await speaker.hear_out()
        assert spoken(heard) == text
        assert "".join(units_in_tone(chunk) for chunk in heard[:-1]) == text
        assert heard[-1]["cancelled"] is False

    async def test_a_later_connection_supersedes_the_earlier(self, plain: GatewayProcess) -> None:
        async with client(plain) as old, client(plain) as new:
            await old.start()
            await old.say("text_delta", text="a,")
            await old.hear()
            assert (await new.start())["units_accepted"] == 2
            assert await old.hear_out() == []
            await new.say("resume", last_unit_index_received=-1)
            assert (await new.hear())["units_text"] == "a,"

    async def test_nothing_comes_before_resume(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker:
            await speaker.start()
            await speaker.say("text_delta", text="a,")
            await speaker.hear()
            await speaker.cut()
        async with client(plain) as speaker:
            await speaker.start()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await speaker.socket.recv()

    async def test_an_end_while_away_is_replayed_and_said_again(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker:
            await speaker.start()
            speaker.socket.transport.pause_reading()
            await speaker.say("text_delta", text="a,b")
            await speaker.say("text_end")
            await until(plain, "chunks_out_total", 2)
            await speaker.cut()
        async with client(plain) as speaker:
            assert (await speaker.start())["resumed"] is True
            await speaker.say("resume", last_unit_index_received=1)
            assert [m.get("units_text", m["type"]) for m in await speaker.hear_out()] == ["b", "tts_end"]

    async def test_an_end_that_was_read_frees_the_id(self, plain: GatewayProcess) -> None:
        for _ in range(2):
            async with client(plain) as speaker:
                assert "resumed" not in await speaker.start()
                await speaker.say("text_end")
                assert [m["type"] for m in await speaker.hear_out()] == ["tts_end"]
            await until(plain, "sessions_live", 0)

    async def test_a_session_is_freed_when_its_client_stays_away(self) -> None:
        async with gateway(ttl_s=0.2, sweep_s=0.02) as running:
            async with client(running) as speaker:
                assert (await speaker.start())["ttl_s"] == 0.2
                await speaker.cut()
            await until(running, "sessions_live", 0)
            async with client(running) as speaker:
                assert "resumed" not in await speaker.start()
                await speaker.say("resume", last_unit_index_received=-1)
                assert (await speaker.hear())["code"] == "resume_not_available"


class TestContainment:
    async def test_a_reader_that_stops_gets_backpressure_and_harms_nobody(self) -> None:
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        async with gateway(unit_audio_ms=2000, stall_s=0.5, sweep_s=0.05) as running:
            host, port = running.url.removeprefix("ws://").removesuffix("/tts").split(":")
            small.connect((host, int(port)))
            async with client(running, "slow", sock=small, max_queue=1) as slow, client(running, "ok") as ok:
                await slow.start()
                await ok.start()
                await slow.say("text_delta", text="很长的话。" * 200)
                async with asyncio.timeout(DEADLINE_S):
                    while not await metric(running, "errors_total{"):
                        await ok.say("text_delta", text="好。")
                        assert (await ok.hear())["units_text"] == "好。"
                *_, last = await slow.hear_out()
                assert (last["type"], last["code"]) == ("error", "backpressure")
                await ok.say("text_end")
                assert [m["type"] for m in await ok.hear_out()] == ["tts_end"]

    async def test_a_superseded_client_that_vanishes_unread_is_no_news(self) -> None:
        async with gateway(unit_audio_ms=2000) as running:
            async with client(running, max_queue=1) as before, client(running) as after:
                await before.start()
                await before.say("text_delta", text="很长的话。" * 200)
                async with asyncio.timeout(DEADLINE_S):
                    while not await metric(running, "unsent_bytes"):
                        pass
                assert (await after.start())["resumed"] is True
                await before.cut()
            await until(running, "connections", 0)
            assert running.log() == ""

    async def test_over_the_total_bound_the_largest_pays(self) -> None:
        async with (
            gateway(unit_audio_ms=2000, total_unsent_bytes=100_000, stall_s=60) as running,
            client(running, "slow", max_queue=1) as slow,
            client(running, "ok") as ok,
        ):
            await slow.start()
            await slow.say("text_delta", text="很长的话，" * 400)
            await until(running, "errors_total{", 1)
            await ok.start()
            await ok.say("text_delta", text="。")
            assert (await ok.hear())["units_text"] == "。"
            *_, last = await slow.hear_out()
            assert last["code"] == "backpressure"

    async def test_one_huge_delta_delays_nobody_else(self, plain: GatewayProcess) -> None:
        async def echo_ms(speaker: Client) -> float:
            started = time.perf_counter()
            await speaker.say("text_delta", text="好。")
            await speaker.hear()
            return (time.perf_counter() - started) * 1000

        async with client(plain, "huge") as huge, client(plain, "small") as small:
            await huge.start()
            await small.start()
            await huge.say("text_delta", text="字" * 20_000)
            await huge.say("text_end")
            rest = asyncio.create_task(huge.hear_out())
            beside = [await echo_ms(small) for _ in range(9)]
            assert not rest.done(), "the huge one was over too soon to show anything"
            assert statistics.median(beside) < 50
            assert len(spoken(await rest)) == 20_000


class TestDoor:
    async def test_a_key_opens_by_header_and_by_query(self) -> None:
        async with gateway(api_key="a-key") as running:
            async with client(running, additional_headers={"Authorization": "Bearer a-key"}) as speaker:
                assert (await speaker.start())["type"] == "start_ack"
            by_query = GatewayProcess(running.process, running.url + "?api_key=a-key")
            async with client(by_query, "other") as speaker:
                assert (await speaker.start())["type"] == "start_ack"
            for suffix in ("", "?api_key=wrong"):
                asked = GatewayProcess(running.process, running.url + suffix)
                with pytest.raises(InvalidStatus, match="401"):
                    async with client(asked):
                        pass
            async with httpx.AsyncClient() as http:
                assert (await http.get(f"{running.http}/healthz")).status_code == 200
                assert (await http.get(f"{running.http}/metrics")).status_code == 200

    async def test_health_tells_what_the_contract_asks(self) -> None:
        async with gateway(version="1.2.3") as running, httpx.AsyncClient() as http:
            body = (await http.get(f"{running.http}/healthz")).json()
        assert body["status"] == "ok"
        assert (body["engine"], body["engine_resolved"], body["version"]) == ("dummy", "dummy", "1.2.3")
        assert body["started_at"].startswith("20")
        assert body["uptime_s"] >= 0

    async def test_compression_is_not_offered(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker:
            assert speaker.socket.response is not None
            assert "Sec-WebSocket-Extensions" not in speaker.socket.response.headers

    @pytest.mark.parametrize("size", [2_000, 20_000_000])
    async def test_a_message_too_big_is_told_so(self, size: int) -> None:
        async with gateway(max_message_bytes=1024) as running, client(running) as speaker:
            await speaker.start()
            await speaker.socket.send("x" * size)
            error = await speaker.hear()
            assert (error["code"], error["session_id"]) == ("bad_request", "s")
            assert "over the limit of 1024" in error["message"]

    async def test_a_binary_frame_is_a_bad_request(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker:
            await speaker.socket.send(b"{}")
            assert "binary" in (await speaker.hear())["message"]

    async def test_a_silent_connection_is_closed(self) -> None:
        async with gateway(start_timeout_s=0.1) as running, client(running) as speaker:
            assert [m["code"] for m in await speaker.hear_out()] == ["bad_request"]

    async def test_pings_are_answered(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker, asyncio.timeout(DEADLINE_S):
            await (await speaker.socket.ping())


class TestShutdown:
    async def test_new_sessions_are_refused_and_live_ones_finish(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker:
            await speaker.start()
            await speaker.say("text_delta", text="a,")
            plain.signal()
            assert (await until_draining(plain))["status"] == "draining"
            with pytest.raises(InvalidStatus, match="503"):
                async with client(plain, "late"):
                    pass
            await speaker.say("text_delta", text="b")
            await speaker.say("text_end")
            messages = await speaker.hear_out()
            assert spoken(messages) == "a,b"
            assert messages[-1]["type"] == "tts_end"
        assert await plain.exit_code() == 0

    async def test_after_the_grace_the_rest_is_closed(self) -> None:
        async with gateway(drain_grace_s=0.1) as running, client(running) as speaker:
            await speaker.start()
            running.signal()
            assert await speaker.hear_out() == []
            assert speaker.socket.close_code == 1001
            assert await running.exit_code() == 0

    async def test_a_second_signal_ends_it_at_once(self, plain: GatewayProcess) -> None:
        async with client(plain) as speaker:
            await speaker.start()
            plain.signal()
            await until_draining(plain)
            plain.signal()
            assert await plain.exit_code() == 143
            await speaker.cut()


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "complaint"),
    [
        ([], {"WS_TTS_PORT": "http"}, 2, "WS_TTS_PORT='http': expected a whole number from 0 to 65535"),
        ([], {"WS_TTS_UNIT_AUDIO_MS": "50"}, 2, "a multiple of 40"),
        ([], {"WS_TTS_STALL_S": "nan"}, 2, "WS_TTS_STALL_S='nan': expected a number from 0.05 to 3600"),
        ([], {"WS_TTS_ENGINE": "elvish"}, 2, "WS_TTS_ENGINE='elvish': expected one of: dummy"),
        (["--defect", "elvish:1"], {}, 2, "--defect 'elvish' is unknown"),
    ],
)
async def test_a_wrong_setting_is_one_clear_line(
    arguments: list[str], settings: dict[str, str], code: int, complaint: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "reference_gateway", *arguments, env=settings, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DEADLINE_S):
        _, errors = await process.communicate()
    assert process.returncode == code
    assert complaint in errors.decode()
    assert errors.decode().count("\n") == 1


async def test_a_port_that_is_taken_is_one_clear_line(plain: GatewayProcess) -> None:
    port = plain.url.rsplit(":", 1)[1].removesuffix("/tts")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "reference_gateway", "--host", "127.0.0.1", "--port", port,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        _, errors = await process.communicate()
    assert process.returncode == 3
    assert errors.decode().startswith(f"reference_gateway: cannot listen on 127.0.0.1:{port}: ")


async def test_frames_are_json_objects_with_a_type(plain: GatewayProcess) -> None:
    async with client(plain) as speaker:
        await speaker.socket.send('{"type": "nonsense"}')
        assert json.loads(await speaker.socket.recv())["code"] == "bad_request"
