"""Who answers beside a WebSocket URL; TLS taken for plain HTTP, and the other way, is told at once."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from pytest_wdtts.errors import StackError
from pytest_wdtts.stack import ExternalStack
from tests.fake_gateways import no_http
from tests.plain_v1_gateway import PlainGateway, running


@contextmanager
def refuses_plain_http() -> Iterator[str]:
    """A TLS port as a proxy keeps it: plain HTTP gets an answer in plain HTTP, 400, and a close."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                peer, _address = server.accept()
                with peer:
                    if peer.recv(1, socket.MSG_PEEK) == b"G":
                        peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    else:
                        tls.wrap_socket(peer, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"ws://127.0.0.1:{server.getsockname()[1]}/tts"
        thread.join(10)


@contextmanager
def tls_gateway() -> Iterator[str]:
    """A gateway behind TLS, under the URL of somebody who does not know that."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with running(PlainGateway(), tls) as url:
        yield url.replace("wss://", "ws://")


@pytest.mark.parametrize("made", [tls_gateway, refuses_plain_http])
def test_ws_at_a_tls_port_is_told_to_be_wss(made: type) -> None:
    with made() as url, pytest.raises(StackError, match="speaks TLS, and was spoken to without: give wss:// in place"):
        ExternalStack(url).start()


def test_wss_at_a_plain_port_is_told_to_be_ws() -> None:
    with running(PlainGateway()) as url, pytest.raises(StackError, match=r"does not speak TLS .* give ws:// in place"):
        ExternalStack(url.replace("ws://", "wss://")).start()


def test_another_protocol_is_left_to_the_handshake() -> None:
    with no_http() as url:
        assert ExternalStack(url).start().health == {}


def test_a_file_of_authorities_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with tls_gateway() as url, pytest.raises(StackError, match=r"SSL_CERT_FILE names /nowhere/ca\.pem, and no file is"):
        ExternalStack(url.replace("ws://", "wss://")).start()
