"""The page's `/api/` as a proxy: what the LLM's side sees is what the browser sent."""

import http.server
import socket
import threading
from collections.abc import Iterator
from email.message import Message

import pytest

from tests.services import Service, web

Heard = list[tuple[str, Message]]


class Back(http.server.BaseHTTPRequestHandler):
    """An LLM that writes down what it was asked."""

    heard: Heard = []  # noqa: RUF012 -- one server, one list

    def do_GET(self) -> None:
        self.heard.append((self.path, self.headers))
        self.send_response(200)
        self.send_header("Connection", "close, X-Of-The-Back")
        self.send_header("X-Of-The-Back", "1")
        self.send_header("X-Kept", "1")
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@pytest.fixture(scope="module")
def page() -> Iterator[Service]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Back) as back:
        threading.Thread(target=back.serve_forever).start()
        try:
            with web(
                f"http://127.0.0.1:{back.server_port}", "ws://127.0.0.1:9/tts", "ws://127.0.0.1:9/chat"
            ) as service:
                yield service
        finally:
            back.shutdown()


def ask(page: Service, path: bytes, *headers: str) -> tuple[str, Message, bytes]:
    """Ask in raw bytes, as no client library would leave them; return what was heard, and the answer."""
    lines = b"".join(header.encode() + b"\r\n" for header in ("Host: x", "Connection: close", *headers))
    host, port = page.authority.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as wire:
        wire.sendall(b"GET " + path + b" HTTP/1.1\r\n" + lines + b"\r\n")
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return *Back.heard[-1], answer


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/meta%2Fllama",
        "/v1/a%20b+c",
        "/v1/100%25",
        "/v1/x?a=1+2&a=3%2B4&b",
        "/v1/x?a=b%26c%3Dd&e=",
        "/v1//x;y=1",
        "/v1/%E4%BD%A0?q=%E4%BD%A0",
        "/",
    ],
)
def test_a_path_goes_through_as_it_was_written(page: Service, path: str) -> None:
    assert ask(page, b"/api" + path.encode())[0] == path


def test_headers_of_one_connection_stay_on_it(page: Service) -> None:
    _, heard, answer = ask(page, b"/api/x", "Connection: X-Mine", "X-Mine: 1", "TE: trailers", "Proxy-Authorization: k")
    assert not {"X-Mine", "TE", "Proxy-Authorization"} & set(heard)
    assert b"X-Kept: 1" in answer
    assert b"X-Of-The-Back" not in answer
