"""A load plan: all from the seed, complete before anything is sent, refused where it cannot be."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.errors import UsageError
from pytest_wdtts.load import Corpus, LoadPlan, load_corpus, plan_probes, plan_sessions

TEXT = Corpus("short", "您好，世界。我們來了！走吧。", "")
NS = 1_000_000_000


def test_defaults_are_the_guides() -> None:
    plan = LoadPlan().checked()
    assert (plan.sessions, plan.cps, plan.duration_s, plan.units) == (50, 5.0, 60.0, 300)
    assert plan.sessions * plan.units == 15_000
    assert (plan.ramp_s, plan.warmup_s, plan.probe_interval_s) == (2.0, 5.0, 1.0)


def test_short_runs_have_a_shorter_ramp_and_warm_up() -> None:
    plan = LoadPlan(duration_s=6.0).checked()
    assert (plan.ramp_s, plan.warmup_s, plan.probe_interval_s) == pytest.approx((0.6, 1.2, 0.2))
    start_ns, end_ns = plan.steady_ns()
    assert 0 < start_ns < end_ns == 6 * NS


@pytest.mark.parametrize("given_s", [0.0, 0.5])
def test_what_is_given_is_kept(given_s: float) -> None:
    plan = LoadPlan(ramp_s=given_s, warmup_s=given_s, probe_interval_s=given_s, tone_share=given_s)
    assert plan.checked() == plan


@pytest.mark.parametrize(("ramp_s", "warmup_s", "from_s"), [(2.0, 5.0, 5), (8.0, 5.0, 8)])
def test_latency_is_judged_once_all_are_up_and_warm(ramp_s: float, warmup_s: float, from_s: int) -> None:
    assert LoadPlan(ramp_s=ramp_s, warmup_s=warmup_s).checked().steady_ns() == (from_s * NS, 60 * NS)


def test_the_largest_load_is_a_load() -> None:
    LoadPlan(sessions=100_000, cps=10.0, duration_s=100.0, loop=True).checked()


@given(st.integers(1, 30), st.floats(0.5, 50), st.floats(1, 30), st.integers(0, 2**40))
def test_same_seed_same_plan_and_every_unit_on_its_beat(
    sessions: int, cps: float, duration_s: float, seed: int
) -> None:
    plan = LoadPlan(sessions=sessions, cps=cps, duration_s=duration_s, seed=seed, loop=True)
    if plan.units < 1:
        return
    plan = plan.checked()
    laid_out = plan_sessions(plan, TEXT, "r")
    assert laid_out == plan_sessions(plan, TEXT, "r")
    assert len({session.session_id for session in laid_out}) == sessions
    for session in laid_out:
        assert len(session.text) == plan.units
        assert 0 <= session.open_ns <= plan.ramp_s * NS + plan.interval_ns
        due = [session.due_ns(unit) for unit in range(len(session.text))]
        assert due[0] > session.open_ns
        assert {b - a for a, b in pairwise(due)} <= {plan.interval_ns}
        assert session.due_ns(len(session.text)) == due[-1], "text_end goes with the last unit"
        assert session.text in TEXT.text * (3 + plan.units // TEXT.units)


def test_every_probe_tells_code_points_from_utf_16() -> None:
    for probe in plan_probes(LoadPlan().checked(), "r"):
        assert len(probe.text) < len(probe.text.encode("utf-16-le")) // 2


def test_another_seed_is_another_plan() -> None:
    first, second = (plan_sessions(LoadPlan(seed=seed).checked(), load_corpus("en"), "r") for seed in (1, 2))
    assert [s.open_ns for s in first] != [s.open_ns for s in second]


def test_sessions_begin_with_a_sentence() -> None:
    plan = LoadPlan(sessions=40, duration_s=1, cps=5, loop=True).checked()
    assert {session.text[0] for session in plan_sessions(plan, TEXT, "r")} == {"您", "我", "走"}
    assert Corpus("marks", "，。！", "").sentence_starts() == [0]


def test_text_too_short_is_refused_before_the_run_with_what_is_needed() -> None:
    with pytest.raises(UsageError) as error:
        plan_sessions(LoadPlan().checked(), TEXT, "r")
    assert str(error.value) == (
        "corpus 'short' has 14 units, but 5 cps x 60 s needs at least 300: "
        "give a longer text, a shorter duration, or let the plan say loop"
    )


def test_loop_repeats_a_short_text() -> None:
    plan = LoadPlan(sessions=1, duration_s=20, loop=True).checked()
    (session,) = plan_sessions(plan, TEXT, "r")
    assert len(session.text) == 100
    assert session.text[:86] == session.text[14:]


@pytest.mark.parametrize("cps", [3.0, 7.0, 0.1, 29.97])
def test_units_are_cps_times_duration_however_floats_round(cps: float) -> None:
    assert LoadPlan(cps=cps, duration_s=100.0).units == round(cps * 100)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sessions": 0}, "sessions=0 cannot be a load: give a number above 0"),
        ({"sessions": -3}, "sessions=-3 cannot"),
        ({"cps": 0.0}, "cps=0 cannot"),
        ({"cps": -5.0}, "cps=-5 cannot"),
        ({"cps": float("nan")}, "cps=nan cannot"),
        ({"cps": float("inf")}, "cps=inf cannot"),
        ({"duration_s": 0.0}, "duration_s=0 cannot"),
        ({"duration_s": -1.0}, "duration_s=-1 cannot"),
        ({"channels": 3}, "channels=3 is not in the contract: give 1 or 2"),
        ({"cps": 0.1, "duration_s": 5.0}, "makes no whole unit: raise one of them"),
        ({"sample_rate": 0}, "sample_rate=0 is no rate: give one above 0"),
        ({"audio_format": ""}, "audio_format is empty: give one, like pcm16_wav"),
        ({"ramp_s": float("inf")}, "ramp_s=inf cannot be a load: give a number from 0 on"),
        ({"probe_interval_s": float("nan")}, "probe_interval_s=nan cannot"),
        ({"sessions": 10**9}, "sessions=1,000,000,000 is more than can be planned: give 100,000 or less"),
        ({"cps": 1e12}, "cps=1e+12 is more than can be planned: give 1,000,000 or less"),
        ({"duration_s": 1e9}, "50 sessions of 5,000,000,000 units are more than can be planned: keep"),
        ({"probe_interval_s": 1e-9}, "probe_interval_s=1e-09 makes over 100,000 probes: raise it"),
    ],
)
def test_what_cannot_be_a_load_is_refused_in_words(fields: dict[str, float | str], words: str) -> None:
    with pytest.raises(UsageError) as error:
        msgspec.structs.replace(LoadPlan(), **fields).checked()
    assert words in str(error.value)


def test_probes_go_out_whole_about_once_a_second_over_the_run() -> None:
    plan = LoadPlan().checked()
    probes = plan_probes(plan, "r")
    assert len(probes) == 60
    assert all(probe.probe and probe.interval_ns == 0 and probe.first_unit_ns == probe.open_ns for probe in probes)
    assert [probe.open_ns for probe in probes] == [NS // 2 + NS * i for i in range(60)]
    load = plan_sessions(plan, load_corpus("en"), "r")
    assert not {probe.session_id for probe in probes} & {session.session_id for session in load}
    assert not any(session.probe for session in load)
    assert plan_probes(msgspec.structs.replace(plan, probe_interval_s=0.0), "r") == []
