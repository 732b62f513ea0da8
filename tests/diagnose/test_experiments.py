"""Which step comes next: climbing, mirrored orders, bisection, and nothing that a gateway could not carry."""

import pytest
from msgspec.structs import replace

from pytest_wdtts.attribution import DEFAULT_OBJECTIVE, Step, StepSeen, read_objective
from pytest_wdtts.diagnose import DiagnosisOrder, estimate_s
from pytest_wdtts.diagnose.experiments import QUICK, THOROUGH, Flush, Ladder, NextStep, Pace, SlowReaders
from pytest_wdtts.errors import UsageError
from pytest_wdtts.gate import Order
from tests.made_up_steps import percentiles, step_seen

OBJECTIVE = read_objective(DEFAULT_OBJECTIVE)
KNEE = 33


def carried(step: Step) -> StepSeen:
    return replace(step_seen(step.sessions), step=step)


def breaks_above_the_knee(step: Step) -> StepSeen:
    seen = carried(step)
    slow = {"service_time_ms": percentiles(50, 300, 900)}
    return replace(seen, figures=seen.figures | slow) if step.sessions > KNEE else seen


def refuses_above_the_knee(step: Step) -> StepSeen:
    seen = carried(step)
    return replace(seen, refused=5, counts=seen.counts | {"errors": 5}) if step.sessions > KNEE else seen


def climbed(experiment: NextStep, gateway=carried, before: tuple[StepSeen, ...] = ()) -> list[Step]:  # type: ignore[no-untyped-def]
    steps = list(before)
    while (step := experiment.next_step(steps)) is not None:
        steps.append(gateway(step))
        assert len(steps) < 100, "the experiment does not end"
    return [one.step for one in steps[len(before) :]]


def ladder(pace: Pace = THOROUGH, most: int = 50) -> Ladder:
    return Ladder(pace, 20.0, "zh_high_punct", most, OBJECTIVE)


def sessions(steps: list[Step]) -> list[int]:
    return [step.sessions for step in steps]


def test_a_healthy_gateway_is_climbed_and_mirrored() -> None:
    assert sessions(climbed(ladder())) == [10, 25, 50, 50, 25, 10] * 2
    assert sessions(climbed(ladder(QUICK))) == [10, 50, 50, 10]


@pytest.mark.parametrize(
    ("most", "rungs"),
    [(5, [5]), (10, [10]), (30, [10, 25, 30]), (100, [10, 25, 50, 100]), (300, [10, 25, 50, 100, 200, 300])],
)
def test_the_top_is_what_was_asked_for(most: int, rungs: list[int]) -> None:
    assert sessions(climbed(ladder(most=most)))[: len(rungs)] == rungs
    assert sessions(ladder(most=most).planned()) == [*rungs, *rungs[::-1]] * 2


def test_the_knee_is_found_by_halving() -> None:
    tried = sessions(climbed(ladder(), breaks_above_the_knee))
    assert tried[:12] == [10, 25, 50, 50, 25, 10] * 2
    assert tried[12:] == [37, 31, 34]


def test_beyond_the_usual_rungs_it_goes_on_only_while_the_objective_holds() -> None:
    def breaks_at_100(step: Step) -> StepSeen:
        seen = carried(step)
        slow = {"service_time_ms": percentiles(50, 300, 900)}
        return replace(seen, figures=seen.figures | slow) if step.sessions >= 100 else seen

    tried = sessions(climbed(ladder(most=400), breaks_at_100))
    assert tried[:7] == [10, 25, 50, 100, 50, 25, 10]
    assert max(tried) == 100


def test_a_rung_that_turned_sessions_away_is_not_asked_again() -> None:
    tried = sessions(climbed(ladder(), refuses_above_the_knee))
    assert tried.count(50) == 1
    assert tried[:5] == [10, 25, 50, 25, 10]


def test_slow_readers_stand_between_loads_where_nobody_is_slow() -> None:
    ladder_steps = tuple(carried(step) for step in ladder().planned())
    steps = climbed(SlowReaders(THOROUGH, "zh_high_punct", 1), before=ladder_steps)
    shares = [step.slow_share for step in steps]
    assert shares == shares[::-1]
    assert shares[0] == 0
    assert len({(step.sessions, step.cps, step.corpus, step.duration_s) for step in steps}) == 1


def others_wait(step: Step) -> StepSeen:
    """Others wait beside slow readers."""
    seen = carried(step)
    slow = {"service_time_ms": percentiles(27, 530, 800)}
    return replace(seen, figures=seen.figures | slow) if step.slow_share else seen


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("pace", "gateway", "times"), [(QUICK, carried, 1), (QUICK, others_wait, 2), (THOROUGH, others_wait, 2)]
)
def test_readers_that_seem_to_hurt_others_come_again(  # type: ignore[no-untyped-def]
    pace: Pace, gateway, times: int, seed: int
) -> None:
    ladder_steps = tuple(carried(step) for step in ladder(pace).planned())
    steps = climbed(SlowReaders(pace, "zh_high_punct", seed), gateway, ladder_steps)
    slow = [step for step in steps if step.slow_share]
    assert [slow.count(step) for step in slow] == [times] * len(slow)


def test_no_experiment_asks_for_more_than_the_ladder_found_to_be_carried() -> None:
    slow = {"service_time_ms": percentiles(4000)}
    few = [carried(step) for step in ladder(QUICK).planned()]
    seen = tuple(replace(one, figures=one.figures | slow) if one.step.sessions > 10 else one for one in few)
    assert {step.cps * step.sessions for step in climbed(SlowReaders(QUICK, "en", 1), before=seen)} == {0.8 * 200}
    nothing = tuple(replace(one, figures=one.figures | slow) for one in few)
    assert climbed(SlowReaders(QUICK, "en", 1), before=nothing) == []


def test_the_order_comes_from_the_seed() -> None:
    def order(seed: int) -> list[Step]:
        return climbed(Flush(THOROUGH, 10, seed))

    assert order(1) == order(1)
    assert len({tuple(map(repr, order(seed))) for seed in range(10)}) > 1
    assert {(step.corpus, step.cps) for step in order(1)} == set(THOROUGH.flush)


@pytest.mark.parametrize(("quick", "promised_s"), [(True, 90.0), (False, 300.0)])
def test_the_pre_flight_keeps_the_promised_times(quick: bool, promised_s: float) -> None:
    least_s, most_s = estimate_s(DiagnosisOrder(order=Order(scenario="d"), quick=quick))
    assert 20.0 < least_s < promised_s < most_s


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"objective": "quick"}, "is no objective"),
        ({"cps": 0.0}, "cps=0 cannot be a load"),
        ({"max_sessions": 0}, "sessions=0 cannot be a load"),
        ({"corpus": "nowhere.txt"}, "cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_runs(asked: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        estimate_s(DiagnosisOrder(order=Order(scenario="d"), **asked))  # type: ignore[arg-type]
