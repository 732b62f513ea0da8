"""The benchmark measures what it says, and its judgement of growth can fail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.clients import OURS, Client, measure
from benchmarks.growth import Study, excess, grow
from benchmarks.lean_gateway import LeanStack
from benchmarks.load import BenchLoad

ROOT = Path(__file__).parents[2]
LOAD = BenchLoad(url="ws://127.0.0.1:1/tts")


def test_all_clients_carry_the_same_load_in_one_run() -> None:
    command = [sys.executable, "-m", "benchmarks.cost", "--sessions", "5", "--duration", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    figures = json.loads(done.stdout)
    clients = figures["clients"]
    assert set(clients) == {"ours on picows", "ours on websockets", "bare websockets"}
    assert {client["units_sent"] for client in clients.values()} == {50}
    assert len({client["chunks_received"] for client in clients.values()}) == 1
    assert all(client["cpu_s_per_1000_session_s"] > 0 for client in clients.values())
    assert all(client["gateway_cpu_s_per_1000_session_s"] > 0 for client in clients.values())
    assert clients["ours on picows"]["rows"]["missing_units"] == "pass", "all accounting is on"
    assert set(figures["ratios"]) == {"ours on picows / bare websockets", "ours on websockets / bare websockets"}


@pytest.mark.parametrize(
    ("costs", "worst"), [([3.0, 2.0, 1.0], 2 / 3), ([1.0, 1.0], 1.0), ([2.0, 1.0, 1.2], 1.2), ([5.0], 1.0)]
)
def test_excess_is_against_the_cheapest_smaller_load(costs: list[float], worst: float) -> None:
    assert excess(costs) == pytest.approx(worst)


@pytest.mark.parametrize(("power", "linear"), [(1.0, True), (0.8, True), (1.3, False)])
def test_growth_worse_than_linear_is_found(power: float, linear: bool) -> None:
    study = Study("sessions", (125, 1000, 4000), {"duration_s": 10.0})
    grown = grow(LOAD, lambda load: {"cpu_s": load.session_seconds**power}, (study,))
    assert grown["linear"] is linear
    assert [point["at"] for point in grown["studies"]["sessions"]["points"]] == [125, 1000, 4000]


def test_one_run_that_was_disturbed_decides_nothing() -> None:
    disturbed = iter([1.0, 1.0, 1.0, 9.0, 1.0, 1.0])
    study = Study("sessions", (125, 1000), {"duration_s": 10.0})
    grown = grow(LOAD, lambda load: {"cpu_s": load.session_seconds * next(disturbed)}, (study,), repeats=3)
    assert grown["linear"]
    assert [max(point["runs"]) for point in grown["studies"]["sessions"]["points"]] == [1000.0, 9000.0]


def test_a_units_cost_is_by_units_where_units_grow() -> None:
    study = Study("cps", (1, 50), {"sessions": 10}, per_unit=True)
    grown = grow(LOAD, lambda load: {"cpu_s": load.session_seconds * load.cps}, (study,))
    assert grown["studies"]["cps"]["excess"] == 1.0


def test_the_lean_gateway_gives_what_all_checks_want() -> None:
    load = BenchLoad(url="", sessions=10, cps=20.0, duration_s=2.0)
    figures = measure(OURS, load, LeanStack)
    rows = figures["rows"]
    assert isinstance(rows, dict)
    assert {name for name, verdict in rows.items() if verdict == "fail"} == set()
    assert rows["audio_integrity"] == rows["sent_equals_received"] == rows["session_end"] == "pass"
    assert figures["units_sent"] == 400


@pytest.mark.parametrize(
    ("program", "words"),
    [("import sys; sys.exit('no such thing')", "exit code 1"), ("print('all well')", "without figures")],
)
def test_a_client_that_brings_no_figures_ends_the_benchmark_with_its_words(program: str, words: str) -> None:
    broken = Client("a broken one", (sys.executable, "-c", program))
    with pytest.raises(SystemExit, match=rf"(?s)a broken one .*{words}.*(no such thing|all well)"):
        measure(broken, BenchLoad(url="", sessions=1, duration_s=1.0))
