"""Every peer sends the whole plan, unit by unit, and counts what it brings."""

import json

import pytest

from benchmarks.clients import BARE, OURS, Client, measure
from benchmarks.load import BenchLoad
from benchmarks.peers.__main__ import INSTALLED, clients, table

LOAD = BenchLoad(url="", sessions=5, cps=10.0, duration_s=2.0, ramp_s=0.5, judged=False)
NEEDS = {"Locust": "venv/bin/locust", "Artillery": "node_modules/.bin/artillery", "bare node ws": "node_modules/ws"}


@pytest.mark.parametrize("client", clients(LOAD), ids=lambda client: client.name)
def test_a_peer_carries_the_same_load(client: Client) -> None:
    if client.name in NEEDS and not (INSTALLED / NEEDS[client.name]).exists():
        pytest.skip(f"{client.name} is not installed: `python -m benchmarks.peers` installs it")
    figures = measure(client, LOAD)
    assert figures["units_sent"] == 100
    assert figures["chunks_received"] == measure(OURS, LOAD)["chunks_received"]
    assert float(str(figures["cpu_s"])) > 0


def test_the_table_has_a_line_a_client_and_its_cost_beside_the_bare_one() -> None:
    def figures(cost: float) -> dict[str, object]:
        return {
            "cpu_s_per_1000_session_s": cost,
            "gateway_cpu_s_per_1000_session_s": 0.3,
            "lateness_p99_ms": 1234.5,
        }

    lines = table({OURS.name: figures(0.2), BARE.name: figures(0.4)}).splitlines()
    assert lines[2:] == [
        "| ours on picows | 0.20 | 0.30 | 1,234.50 | 0.50 |",
        "| bare websockets | 0.40 | 0.30 | 1,234.50 | 1.00 |",
    ]


def test_what_is_pinned_is_what_is_installed() -> None:
    for package in ("ws", "artillery"):
        installed = INSTALLED / "node_modules" / package / "package.json"
        if not installed.exists():
            pytest.skip("the peers are not installed: `python -m benchmarks.peers` installs them")
        pinned = json.loads((INSTALLED / "package.json").read_text())["dependencies"][package]
        assert json.loads(installed.read_text())["version"] == pinned
