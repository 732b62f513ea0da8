"""The guide's scenarios as values, and a run laid out whole before anything is sent."""

import pytest
from msgspec import structs

from pytest_wdtts.errors import UsageError
from pytest_wdtts.faults import CancelShare, DisconnectShare, Share, SlowReaderShare
from pytest_wdtts.run import SCENARIOS, find_scenario, plan_run
from pytest_wdtts.run.scenario import build_load, build_shares


def shares(name: str, duration_s: float = 60.0) -> dict[str, Share]:
    return {share.name: share for share in SCENARIOS[name].shares(duration_s)}


def test_the_three_scenarios() -> None:
    assert list(SCENARIOS) == ["baseline", "mixed", "heavy"]
    with pytest.raises(UsageError, match="no scenario 'light': one of baseline, mixed, heavy"):
        find_scenario("light")


def test_baseline_breaks_nothing() -> None:
    assert shares("baseline") == {}


def test_mixed_is_the_guides() -> None:
    found = shares("mixed")
    assert {name: share.percent for name, share in found.items() if hasattr(share, "percent")} == {
        "disconnect": 0.1,
        "cancel": 0.1,
        "slow_reader": 0.1,
    }
    assert isinstance(found["disconnect"], DisconnectShare)
    assert found["disconnect"].reconnect_delay_s == 5.0
    assert isinstance(found["slow_reader"], SlowReaderShare)
    assert found["slow_reader"].pause_s == 5.0


def test_heavy_is_the_guides() -> None:
    found = shares("heavy")
    slow, cut, cancel = found["slow_reader"], found["disconnect"], found["cancel"]
    assert isinstance(slow, SlowReaderShare)
    assert isinstance(cut, DisconnectShare)
    assert isinstance(cancel, CancelShare)
    assert (slow.percent, slow.pause_s, cut.percent, cancel.percent) == (0.3, 10.0, 0.1, 0.1)


@pytest.mark.parametrize("name", ["mixed", "heavy"])
@pytest.mark.parametrize("duration_s", [2.0, 5.0, 10.0, 60.0])
def test_pauses_shrink_with_a_short_run_so_that_it_fits(name: str, duration_s: float) -> None:
    plan_run(SCENARIOS[name], "r", {"duration_s": duration_s, "sessions": 10}, {})


def test_what_was_asked_takes_the_place_of_a_default_and_no_more() -> None:
    found = {share.name: share for share in build_shares(SCENARIOS["mixed"], 60.0, {"cancel": {"percent": 0.5}})}
    assert isinstance(found["cancel"], CancelShare)
    assert found["cancel"] == structs.replace(CancelShare(), percent=0.5)
    assert set(found) == {"disconnect", "cancel", "slow_reader"}


def test_a_fault_can_be_added_to_the_baseline() -> None:
    plan = plan_run(SCENARIOS["baseline"], "r", {}, {"cancel": {"percent": 0.2}})
    assert len(plan.faults.faults) == 10


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"session": 5}, "load() has no session: valid are sessions, cps, duration_s"),
        ({"sessions": "five"}, "load(): Expected `int`, got `str`"),
        ({"sessions": True}, "load(): Expected `int`, got `bool`"),
        ({"loop": 1}, "load(): Expected `bool`, got `int`"),
    ],
)
def test_a_load_that_cannot_be(fields: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as error:
        build_load(fields)
    assert words in str(error.value)


def test_same_seed_same_run_but_for_its_id() -> None:
    one, two = (plan_run(SCENARIOS["heavy"], run_id, {"seed": 5}, {}) for run_id in ("a", "b"))
    assert one.faults == two.faults
    assert [s.text for s in one.sessions] == [s.text for s in two.sessions]
    assert {s.session_id for s in one.sessions}.isdisjoint({s.session_id for s in two.sessions})
