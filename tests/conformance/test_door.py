"""The pages and the key, of gateways that lack something there."""

import asyncio
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from pytest_wdtts.conformance import Finding, carry_out, select
from pytest_wdtts.transport import parse_target
from tests.plain_v1_gateway import PlainGateway, running


class Paged(PlainGateway):
    """Answers its page of health, and that of metrics, with what it was given."""

    def __init__(self, health: str, metrics: str) -> None:
        super().__init__()
        self.health = health
        self._metrics = metrics

    def answer_http(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/metrics"):
            return socket.respond(HTTPStatus.OK, self._metrics)
        return super().answer_http(socket, request)


class Keyed(PlainGateway):
    """Asks for a key, and takes any."""

    def answer_http(self, socket: ServerConnection, request: Request) -> Response | None:
        if "Authorization" in request.headers or "api_key=" in request.path:
            return super().answer_http(socket, request)
        return socket.respond(HTTPStatus.UNAUTHORIZED, "no")


class Bouncer(PlainGateway):
    """Lets everybody in, and sends away behind the door who has not the key, as a browser can see it."""

    async def converse(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        shown = socket.request.headers.get("Authorization", "") + socket.request.path
        if not shown.endswith(("Bearer k/tts", "api_key=k")):
            await socket.close(1008, "wrong key")
        await super().converse(socket)


def found(gateway: PlainGateway, *globs: str, api_key: str = "") -> dict[str, Finding]:
    with running(gateway) as url:
        findings = asyncio.run(carry_out(select(globs), parse_target(url, api_key), "door"))
    return {finding.id.removeprefix("door."): finding for finding in findings}


HEALTH = (
    '{"status": "ok", "engine": "x", "engine_resolved": "x", "version": "1", '
    '"started_at": "2026-01-02T03:04:05Z", "uptime_s": 1}'
)


def test_sound_pages_pass() -> None:
    pages = found(Paged(HEALTH, "# TYPE up gauge\nup 1\n"), "door.healthz", "door.metrics")
    assert all(finding.passed for finding in pages.values()), pages


@pytest.mark.parametrize(
    ("page", "health", "metrics", "seen"),
    [
        ("healthz", PlainGateway.health, "", "started_at is 'missing'; uptime_s is 'missing'"),
        ("healthz", HEALTH.replace("2026-01-02T", "yesterday, "), "", "started_at is 'yesterday, 03:04:05Z'"),
        ("healthz", HEALTH.replace('"ok"', '"fine"'), "", "status is 'fine'"),
        ("healthz", "ok", "", "no JSON: 'ok'"),
        ("healthz", "[]", "", "no JSON object: '[]'"),
        ("metrics", HEALTH, "", "no metric at all"),
        ("metrics", HEALTH, "<html>", "not Prometheus' text format: "),
    ],
)
def test_what_a_page_lacks_is_named(page: str, health: str, metrics: str, seen: str) -> None:
    finding = found(Paged(health, metrics), f"door.{page}")[page]
    assert not finding.passed
    assert finding.seen.startswith(seen)


def test_a_page_that_is_not_there_is_told_by_its_status() -> None:
    assert found(PlainGateway(), "door.metrics")["metrics"].seen == "status 404"


def test_a_gateway_that_takes_any_key_is_found_out() -> None:
    keys = found(Keyed(), "door.key.*", api_key="k")
    assert [name for name, finding in keys.items() if not finding.passed] == ["key.wrong_header", "key.wrong_query"]


def test_a_gateway_may_refuse_behind_the_upgrade() -> None:
    assert all(finding.passed for finding in found(Bouncer(), "door.key.*", api_key="k").values())


def test_nothing_is_said_of_keys_where_none_is_given_or_none_is_asked() -> None:
    assert {finding.skipped for finding in found(PlainGateway(), "door.key.*").values()} == {"no API key was given"}
    asked = found(PlainGateway(), "door.key.*", api_key="k")
    assert {finding.skipped for finding in asked.values()} == {"this gateway asks for no key"}
