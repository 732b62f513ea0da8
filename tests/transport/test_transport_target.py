"""A gateway's URL: read once, refused in words, and IPv6 is an address like any other."""

import asyncio
import socket

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pytest_wdtts.errors import UsageError
from pytest_wdtts.transport import PortableTransport, http_origin, parse_target, public_url
from tests.fake_gateways import no_http


@pytest.mark.parametrize(
    ("url", "host", "port", "resource", "authority"),
    [
        ("ws://127.0.0.1:9000/tts", "127.0.0.1", 9000, "/tts", "127.0.0.1:9000"),
        ("ws://gateway/tts?api_key=k", "gateway", 80, "/tts?api_key=k", "gateway:80"),
        ("wss://gateway.example/tts", "gateway.example", 443, "/tts", "gateway.example:443"),
        ("ws://[::1]:9000/tts", "::1", 9000, "/tts", "[::1]:9000"),
        ("ws://gateway:9000", "gateway", 9000, "/", "gateway:9000"),
    ],
)
def test_good_urls(url: str, host: str, port: int, resource: str, authority: str) -> None:
    target = parse_target(url)
    assert (target.host, target.port, target.resource, target.authority) == (host, port, resource, authority)
    assert (target.tls is not None) == url.startswith("wss")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9000/tts", "'http://127.0.0.1:9000/tts' is no WebSocket URL (scheme 'http')"),
        ("127.0.0.1:9000/tts", "is no WebSocket URL"),
        ("gateway", "is no WebSocket URL (scheme 'missing')"),
        ("", "is no WebSocket URL"),
        ("ws:///tts", "names no host"),
        ("ws://gateway:port/tts", "has an impossible port"),
        ("ws://gateway:70000/tts", "has an impossible port"),
        ("ws://[::1/tts", "is no URL"),
    ],
)
def test_bad_urls_are_refused_with_an_example(url: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_target(url)
    assert words in str(error.value)
    assert "ws://127.0.0.1:9000/tts" in str(error.value)


@pytest.mark.parametrize("key", ["two\nlines", "\u00e9\u4e2d", "with blank", "\x7f"])
def test_a_key_that_no_header_takes_is_refused_and_not_told(key: str) -> None:
    with pytest.raises(UsageError, match="--wdtts-api-key has characters that no header takes") as error:
        parse_target("ws://h/tts", key)
    assert key not in str(error.value)


@pytest.mark.parametrize("resource", ["/t t", "/\u8a9e", "/tts?voice=\u8a9e&api_key=s3cret"])
def test_a_path_that_no_request_takes_is_refused(resource: str) -> None:
    with pytest.raises(UsageError, match="has characters that no request takes: write them as %XX") as error:
        parse_target(f"ws://h{resource}")
    assert "s3cret" not in str(error.value)


def test_the_key_travels_in_a_header() -> None:
    assert parse_target("ws://h/tts", "secret").headers == {"Authorization": "Bearer secret"}
    assert parse_target("ws://h/tts").headers == {}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("ws://h:9000/tts?x=1", "http://h:9000"),
        ("wss://h/tts", "https://h"),
        ("ws://[::1]:9/tts", "http://[::1]:9"),
        ("ws://user:word@h:9/tts", "http://h:9"),
    ],
)
def test_health_and_metrics_live_beside_it(url: str, origin: str) -> None:
    assert http_origin(url) == origin


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("ws://h:9000/tts", "ws://h:9000/tts"),
        ("wss://h/tts?api_key=secret", "wss://h/tts"),
        ("ws://h/tts?a=1&api_key=secret&b=2", "ws://h/tts?a=1&b=2"),
        ("ws://user:secret@[::1]:9/tts", "ws://[::1]:9/tts"),
        ("", ""),
    ],
)
def test_what_is_secret_in_a_url_goes_into_no_evidence(url: str, public: str) -> None:
    assert public_url(url) == public


class Ear:
    """Hears whether the connection opened."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def _hear(self, what: str) -> None:
        if not self.heard.done():
            self.heard.set_result(what)

    def connection_open(self) -> None:
        self._hear("open")

    def text_frame(self, frame: bytes) -> None:
        self._hear(frame.decode())

    def binary_frame(self, size_bytes: int) -> None:
        self._hear("binary")

    def connection_closed(self, code: int, reason: str) -> None:
        self._hear(f"closed {code}")

    def connection_failed(self, reason: str) -> None:
        self._hear(reason)


def read_to_the_end(peer: socket.socket) -> None:
    while peer.recv(4096):
        pass


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_ipv6() -> None:
    async def scene() -> str:
        async def wait(peer: ServerConnection) -> None:
            await peer.wait_closed()

        async with serve(wait, "::1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            ear = Ear()
            connection = PortableTransport().connect(parse_target(f"ws://[::1]:{port}/tts"), ear)
            async with asyncio.timeout(10):
                heard = await ear.heard
            connection.reset()
            return heard

    assert asyncio.run(scene()) == "open"


def test_reset_of_what_has_failed_already_does_nothing() -> None:
    """A peer of another protocol speaks and hangs up at once; whoever knocked hangs up after that."""

    async def scene() -> str:
        ear = Ear()
        with no_http() as url:
            connection = PortableTransport().connect(parse_target(url), ear)
            async with asyncio.timeout(30):
                heard = await ear.heard
            await asyncio.sleep(0)
            connection.reset()
            connection.reset()
        return heard

    assert asyncio.run(scene())


def test_a_peer_that_accepts_and_says_nothing_can_be_left() -> None:
    """How long to wait is for the session to say; nothing is heard meanwhile, and a reset ends it."""

    async def scene() -> bool:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            ear = Ear()
            url = f"ws://127.0.0.1:{silent.getsockname()[1]}/tts"
            connection = PortableTransport().connect(parse_target(url), ear)
            peer, _ = await asyncio.to_thread(silent.accept)
            with peer:
                assert await asyncio.to_thread(peer.recv, 16)
                connection.reset()
                peer.settimeout(10)
                with pytest.raises(ConnectionResetError):
                    await asyncio.to_thread(read_to_the_end, peer)
            return ear.heard.done()

    assert asyncio.run(scene()) is False
