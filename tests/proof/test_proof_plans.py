"""Random fault plans: each can be laid out or is refused in words, and among them are those that faults meet in."""

from proof.plans import draw
from pytest_wdtts.errors import UsageError
from pytest_wdtts.faults import Cancel, Disconnect, SlowReader
from pytest_wdtts.run import RunPlan
from reference_gateway.settings import read_settings

SEEDS = range(1, 101)


def laid_out(seed: int) -> RunPlan | None:
    try:
        return draw(seed).order.plan("r")
    except UsageError:
        return None


def test_same_seed_same_plan() -> None:
    assert [draw(seed) for seed in SEEDS] == [draw(seed) for seed in SEEDS]


def test_every_gateway_is_one_that_can_be() -> None:
    for seed in SEEDS:
        read_settings(draw(seed).settings)


def test_most_can_be_and_all_faults_meet_in_some() -> None:
    plans = [plan for seed in SEEDS if (plan := laid_out(seed))]
    assert 0.7 * len(SEEDS) < len(plans) < len(SEEDS)
    met = []
    for plan in plans:
        hit = [{f.session for f in plan.faults.faults if isinstance(f, k)} for k in (Disconnect, Cancel, SlowReader)]
        met.append(bool(set.intersection(*hit)) and len(plan.faults.gateway) > 1)
    assert sum(met) >= 3
