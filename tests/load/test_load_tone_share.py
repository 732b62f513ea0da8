"""How many tones are read back: all of them in a small load, a bounded number a second in a large one."""

import pytest

from pytest_wdtts.load import LoadPlan


@pytest.mark.parametrize(
    ("plan", "every"),
    [
        (LoadPlan(), 1),
        (LoadPlan(sessions=200, cps=5), 1),
        (LoadPlan(sessions=1000, cps=5), 5),
        (LoadPlan(sessions=4000, cps=5), 20),
        (LoadPlan(sessions=4000, cps=5, tone_share=1.0), 1),
        (LoadPlan(tone_share=0.25), 4),
        (LoadPlan(tone_share=0.0), 0),
        (LoadPlan(tone_share=7.0), 1),
    ],
)
def test_one_in_so_many_chunks(plan: LoadPlan, every: int) -> None:
    assert plan.checked().tone_every == every
