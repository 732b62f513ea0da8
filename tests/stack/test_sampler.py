"""What a gateway uses: the same from its process as from its metrics page, and nothing where a page is no help."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_wdtts.stack import sample
from tests.services import gateway


def test_the_metrics_page_tells_what_the_process_shows() -> None:
    with gateway() as running:
        seen = sample([running.pid], 7, running.http)
        told = sample([], 8, running.http)
    assert seen is not None
    assert told is not None
    assert told.rss_bytes == pytest.approx(seen.rss_bytes, rel=0.2)
    assert 0 < told.cpu_s < seen.cpu_s + 5
    assert (seen.unsent_bytes, told.unsent_bytes) == (0, 0)
    assert seen.sockets >= 0 > told.sockets


@contextmanager
def metrics(page: str, status: int = 200) -> Iterator[str]:
    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.headers["Authorization"] == "Bearer sesame" else 401)
            self.end_headers()
            self.wfile.write(page.encode() if self.path == "/metrics" else b"[]")

        def log_message(self, *words: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


TWO_PROCESSES = """\
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total{pid="1"} 1.5
process_cpu_seconds_total{pid="2"} 2.5
process_resident_memory_bytes{pid="1"} 1e+06
process_resident_memory_bytes{pid="2"} 3.0e+06
process_resident_memory_bytes_total 9
"""


@pytest.mark.parametrize(
    ("page", "status", "figures"),
    [
        (TWO_PROCESSES, 200, (4.0, 4_000_000)),
        ("process_resident_memory_bytes 512\n", 200, (-1.0, 512)),
        ("process_cpu_seconds_total NaN\nprocess_resident_memory_bytes much\n", 200, None),
        ("up 1\n", 200, None),
        (TWO_PROCESSES, 503, None),
    ],
)
def test_a_page_is_believed_as_far_as_it_goes(page: str, status: int, figures: tuple[float, int] | None) -> None:
    with metrics(page, status) as origin:
        told = sample([], 0, origin, "sesame")
        assert sample([], 0, origin) is None, "without the key"
    assert (told and (told.cpu_s, told.rss_bytes)) == figures


def test_where_nobody_answers_there_is_no_sample() -> None:
    assert sample([], 0, "http://127.0.0.1:9") is None
    assert sample([], 0) is None
