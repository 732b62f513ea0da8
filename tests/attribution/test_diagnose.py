"""Each cause named when it is the cause, on made-up steps; a healthy gateway with none; symptoms told from causes."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from pytest_wdtts.attribution import Cause, Confidence, Diagnosis, Finding, StepSeen, diagnose, read_objective
from pytest_wdtts.attribution.capacity import find_capacity
from pytest_wdtts.attribution.objective import DEFAULT_OBJECTIVE
from pytest_wdtts.report.diagnosis import words
from tests.made_up_steps import GAP, IDLE, MIB, healthy_steps, percentiles, seen_of, step_seen

Steps = list[StepSeen]
Spoil = Callable[[Steps], Steps]


def judged(steps: Steps, objective: str = DEFAULT_OBJECTIVE) -> Diagnosis:
    return diagnose(seen_of(steps), read_objective(objective))


def finding(diagnosis: Diagnosis, cause: Cause) -> Finding:
    return next(one for one in diagnosis.findings if one.cause is cause)


def keys(facts: tuple[object, ...]) -> list[str]:
    return [fact.key for fact in facts]  # type: ignore[attr-defined]


def where(steps: Steps, change: Callable[[StepSeen], StepSeen], *experiments: str) -> Steps:
    return [change(one) if one.step.experiment in experiments else one for one in steps]


def test_a_healthy_gateway_has_no_cause() -> None:
    diagnosis = judged(healthy_steps())
    assert (diagnosis.cause, diagnosis.confidence) == (Cause.NONE, Confidence.HIGH)
    assert (diagnosis.capacity.held, diagnosis.capacity.broken) == (50, 0)
    assert all(one.evidence_against for one in diagnosis.findings)


def saturated(steps: Steps) -> Steps:
    slow = {"service_time_ms": percentiles(900, 4000), "ttfa_ms": percentiles(700, 3000)}
    return [replace(s, figures=s.figures | slow, gateway_cpu=1.0) if s.step.sessions == 50 else s for s in steps]


def constantly_slow(steps: Steps) -> Steps:
    return [replace(s, figures=s.figures | {"service_time_ms": percentiles(400)}) for s in steps]


def refusing(steps: Steps) -> Steps:
    return [replace(s, refused=20, counts=s.counts | {"errors": 20}) if s.step.sessions == 50 else s for s in steps]


def stalling(steps: Steps) -> Steps:
    spike = {"service_time_ms": percentiles(0.5, 40, 280)}
    return [replace(s, gaps=(GAP,), figures=s.figures | spike) for s in steps]


def hurting(steps: Steps) -> Steps:
    return [
        replace(s, figures=s.figures | {"service_time_ms": percentiles(500, 3000)}) if s.step.slow_share else s
        for s in steps
    ]


def leaking(steps: Steps) -> Steps:
    return [replace(s, before=replace(IDLE, rss_bytes=(60 + 40 * n) * MIB)) for n, s in enumerate(steps)]


def drifting(steps: Steps) -> Steps:
    return [replace(s, figures=s.figures | {"service_time_ms": percentiles(40 + 60 * n)}) for n, s in enumerate(steps)]


def holding(steps: Steps) -> Steps:
    return [replace(s, flush_excess_units=40.0) for s in steps]


def far_away(steps: Steps) -> Steps:
    figures = {"service_time_ms": percentiles(162, 170), "ttfa_ms": percentiles(500, 520)}
    return [
        replace(s, before=replace(IDLE, ping_ms=160.0, health_ms=161.0), figures=s.figures | figures) for s in steps
    ]


def trickling(steps: Steps) -> Steps:
    figures = {"service_time_ms": percentiles(70, 100)}
    return [replace(s, before=replace(IDLE, transfer_ms=800.0), figures=s.figures | figures) for s in steps]


def late(steps: Steps) -> Steps:
    return [replace(s, valid=False, figures=s.figures | {"send_lateness_ms": percentiles(50, 200, 300)}) for s in steps]


@pytest.mark.parametrize(
    ("spoil", "cause", "fact"),
    [
        (saturated, Cause.SATURATED, "rises_together"),
        (constantly_slow, Cause.SATURATED, "always_slow"),
        (refusing, Cause.SATURATED, "refuses"),
        (stalling, Cause.STALLS, "gaps"),
        (hurting, Cause.SLOW_READERS, "others_wait"),
        (leaking, Cause.DRIFT, "memory_grows"),
        (drifting, Cause.DRIFT, "service_drifts"),
        (holding, Cause.FLUSH, "flush_above_floor"),
        (far_away, Cause.NETWORK, "way_is_long"),
        (trickling, Cause.NETWORK, "bytes_trickle"),
        (late, Cause.GENERATOR, "generator_late"),
    ],
)
def test_each_cause_is_named_by_its_evidence(spoil: Spoil, cause: Cause, fact: str) -> None:
    diagnosis = judged(spoil(healthy_steps()))
    assert diagnosis.cause is cause
    assert diagnosis.findings[0].cause is cause
    assert fact in keys(diagnosis.findings[0].evidence_for)


@pytest.mark.parametrize(("spoil", "queue"), [(constantly_slow, False), (saturated, True)])
def test_who_is_slow_at_any_load_is_not_said_to_have_a_queue(spoil: Spoil, queue: bool) -> None:
    diagnosis = judged(spoil(healthy_steps()))
    key = words.case_of(diagnosis.cause, diagnosis.findings)
    assert ("no queue" in words.title(key, "en"), "沒有排隊" in words.title(key, "zh")) == (not queue, not queue)
    assert ("add instances" in " ".join(words.advice(key, "en"))) is queue


def test_a_gateway_that_died_is_a_finding() -> None:
    dead = seen_of(healthy_steps()[:2], replace(IDLE, alive=False, trouble="refused", ping_ms=-1.0))
    diagnosis = diagnose(dead, read_objective(DEFAULT_OBJECTIVE))
    assert diagnosis.cause is Cause.SATURATED
    assert "gateway_died" in keys(diagnosis.findings[0].evidence_for)


def test_a_long_tail_of_flush_wait_at_its_floor_is_no_slowness() -> None:
    tail = {"unit_latency_ms": percentiles(1400, 3400, 4400), "flush_wait_ms": percentiles(1400, 3400, 4400)}
    diagnosis = judged([replace(s, figures=s.figures | tail) for s in healthy_steps()])
    assert diagnosis.cause is Cause.NONE


def test_stalls_are_looked_for_wherever_few_sessions_run() -> None:
    among_readers = where(healthy_steps(), lambda one: replace(one, gaps=(GAP,)), "slow_readers")
    assert judged(among_readers).cause is Cause.STALLS
    slow_alone = [replace(one, gaps=(GAP, GAP)) if one.step.slow_share else one for one in healthy_steps()]
    assert judged(slow_alone).cause is Cause.NONE


def test_spikes_under_load_alone_are_a_queue_and_no_stall() -> None:
    steps = [replace(s, gaps=(GAP, GAP)) if s.step.sessions == 50 else s for s in saturated(healthy_steps())]
    diagnosis = judged(steps)
    assert diagnosis.cause is Cause.SATURATED
    assert not finding(diagnosis, Cause.STALLS).named


def test_gaps_of_a_gateway_that_is_slow_in_between_are_a_queue() -> None:
    steps = stalling(healthy_steps())
    queue = {"service_time_ms": percentiles(150, 400)}
    assert not finding(judged([replace(s, figures=s.figures | queue) for s in steps]), Cause.STALLS).named


def test_what_a_cause_does_to_others_is_its_symptom() -> None:
    narrow = [replace(s, before=replace(IDLE, transfer_ms=800.0)) for s in saturated(trickling(healthy_steps()))]
    diagnosis = judged(narrow)
    assert diagnosis.cause is Cause.NETWORK
    assert diagnosis.symptoms == (Cause.SATURATED,)


def test_others_that_fail_beside_slow_readers_are_seen_though_we_were_late() -> None:
    failing = {"errors": 6, "missing_units": 2595}
    steps = [
        replace(one, valid=False, counts=one.counts | (failing if one.step.slow_share else {}))
        if one.step.experiment == "slow_readers"
        else one
        for one in healthy_steps()
    ]
    diagnosis = judged(steps)
    assert diagnosis.cause is Cause.SLOW_READERS
    assert keys(diagnosis.findings[0].evidence_for) == ["others_fail"]


def test_a_queue_that_is_longer_the_second_time_is_no_drift() -> None:
    queue = [
        replace(s, figures=s.figures | {"service_time_ms": percentiles(877 + 100 * n)})
        for n, s in enumerate(healthy_steps())
    ]
    diagnosis = judged(queue)
    assert diagnosis.cause is Cause.SATURATED
    assert not finding(diagnosis, Cause.DRIFT).named


def again(steps: Steps, *times: Spoil) -> Steps:
    """The same slow readers once for each of these."""
    (slow,) = [one for one in steps if one.step.slow_share]
    place = steps.index(slow)
    return [*steps[:place], *(change([slow])[0] for change in times), *steps[place + 1 :]]


def as_it_was(steps: Steps) -> Steps:
    return steps


def failing(steps: Steps) -> Steps:
    return [replace(one, counts=one.counts | {"errors": 6, "missing_units": 2595}) for one in steps]


@pytest.mark.parametrize("hurt", [hurting, failing])
def test_what_slow_readers_do_they_do_each_time(hurt: Spoil) -> None:
    """A gateway that stands still once while some read slowly is not hurt by them."""
    twice, once = (judged(again(healthy_steps(), hurt, second)) for second in (hurt, as_it_was))
    assert (twice.cause, twice.confidence) == (Cause.SLOW_READERS, Confidence.HIGH)
    assert once.cause is Cause.NONE
    assert finding(once, Cause.SLOW_READERS).strength == 0
    assert [("waited_once" in keys(one.notes)) for one in (once, twice)] == [hurt is hurting, False]
    alone = finding(judged(again(healthy_steps(), hurt)), Cause.SLOW_READERS)
    assert alone.strength == finding(twice, Cause.SLOW_READERS).strength / 2


@pytest.mark.parametrize(("length_ms", "named"), [(0.0, True), (300.0, True), (2990.0, False)])
def test_a_standstill_that_comes_without_slow_readers_too_is_not_their_doing(length_ms: float, named: bool) -> None:
    """Others wait for 3 s at p95; without slow readers everybody once waited for so long."""
    steps = again(healthy_steps(), hurting, hurting)
    stood = replace(steps[0], gaps=(replace(GAP, length_ms=length_ms),) if length_ms else ())
    assert finding(judged([stood, *steps[1:]]), Cause.SLOW_READERS).named is named


def served_in(p50s_ms: list[float], steps: Steps | None = None) -> Steps:
    """The steps of a quick diagnosis with these service times (p50)."""
    return [
        replace(one, figures=one.figures | {"service_time_ms": percentiles(ms)})
        for one, ms in zip(steps or healthy_steps(), p50s_ms, strict=True)
    ]


@pytest.mark.parametrize(
    ("p50s_ms", "drifts"),
    [
        ([50, 100, 150, 201, 371, 457, 550], True),
        ([41, 84, 91, 118, 202, 243, 290], True),
        ([329, 973, 1682, 2597, 3680, 4993, 6762], True),
        ([41, 84, 91, 118, 202, 243, 50], False),
        ([41, 84, 91, 118, 202, 243, 110], False),
        ([111, 5000, 5200, 175, 100, 100, 590], False),
        ([41, 84, 60, 118, 202, 243, 290], False),
        ([41, 84, 91, 59, 202, 243, 290], False),
    ],
    ids=[
        "10 ms a second",
        "5 ms a second",
        "100 ms a second",
        "comes back",
        "a lighter load is quicker",
        "a queue",
        "the large load does not rise",
        "the small load hardly rises",
    ],
)
def test_a_gateway_gets_slower_with_time_alone(p50s_ms: list[float], drifts: bool) -> None:
    """Ladder 10, 50, 50, 10 sessions, slow readers, and in the end a load that is lighter than all."""
    diagnosis = judged(served_in(p50s_ms))
    assert finding(diagnosis, Cause.DRIFT).named is drifts
    assert (diagnosis.cause is Cause.DRIFT) is drifts


def test_who_was_not_served_shows_no_drift() -> None:
    """A gateway that still works for those who left makes the next ones wait: that is a queue."""
    steps = served_in([41, 84, 91, 118, 202, 243, 290])
    steps[2] = replace(steps[2], unfinished=3)
    assert not finding(judged(steps), Cause.DRIFT).named


def test_a_load_that_comes_back_is_no_drift_however_much_each_rose() -> None:
    steps = served_in([20, 700, 13_000, 13_000, 30, 30, 30])
    assert not finding(judged(steps), Cause.DRIFT).named


def test_a_rise_that_was_not_mirrored_may_be_drift() -> None:
    whole, first_half = saturated(healthy_steps()), saturated(healthy_steps())[:2]
    strengths = [finding(judged(steps), Cause.SATURATED).strength for steps in (whole, first_half)]
    assert strengths[1] == strengths[0] / 2


def test_two_causes_of_their_own_make_both_less_sure() -> None:
    alone, both = judged(holding(healthy_steps())), judged(holding(leaking(healthy_steps())))
    assert [one.cause for one in both.findings if one.named] == [Cause.FLUSH, Cause.DRIFT]
    assert alone.confidence is Confidence.HIGH
    weak = [replace(s, flush_excess_units=16.0) for s in leaking(healthy_steps())]
    assert judged(weak).confidence is not Confidence.HIGH


def test_an_objective_that_breaks_for_no_reason_cannot_be_told() -> None:
    steps = [replace(s, figures=s.figures | {"service_time_ms": percentiles(0.5, 3, 500)}) for s in healthy_steps()]
    diagnosis = judged(steps)
    assert (diagnosis.cause, diagnosis.confidence) == (Cause.UNKNOWN, Confidence.LOW)


def test_slow_readers_that_never_fill_a_buffer_show_nothing() -> None:
    steps = [replace(s, backpressure=0) for s in healthy_steps()]
    diagnosis = judged(steps)
    found = finding(diagnosis, Cause.SLOW_READERS)
    assert not found.assessable
    assert keys(found.evidence_against) == ["bound_not_reached"]
    assert diagnosis.confidence is Confidence.MEDIUM


def test_steps_for_which_we_were_late_are_no_evidence_on_the_gateway() -> None:
    steps = [replace(s, valid=False) if s.step.sessions == 50 else s for s in saturated(healthy_steps())]
    diagnosis = judged(steps)
    assert diagnosis.cause is Cause.NONE
    assert diagnosis.capacity.generator_gave_out == 50
    assert "generator_gave_out" in keys(diagnosis.notes)


@pytest.mark.parametrize(
    ("tries", "held", "broken", "said"),
    [
        ({10: [3], 25: [3], 50: [300]}, 25, 50, "holds at 25 sessions, breaks at 50 ("),
        ({10: [3], 25: [300, 3], 50: [300]}, 10, 50, "holds at 10 sessions, breaks at 50 ("),
        ({10: [300], 25: [3]}, 0, 10, "breaks at 10 sessions already"),
        ({10: [3], 50: [3]}, 50, 0, "holds at 50 sessions, the most tried"),
        ({10: [3], 50: [300, 3]}, 10, 0, "holds at 10 sessions; at 50 it once held and once broke"),
        ({10: [3], 25: [300, 3], 50: [3]}, 50, 0, "holds at 50 sessions, the most tried"),
        ({10: [3, 300]}, 0, 0, "at 10 sessions already it once held and once broke"),
        ({}, 0, 0, "unknown"),
    ],
)
def test_the_capacity_is_an_interval(tries: dict[int, list[float]], held: int, broken: int, said: str) -> None:
    steps = [step_seen(n, service=percentiles(1, 2, p99)) for n, figures in tries.items() for p99 in figures]
    capacity = find_capacity(steps, read_objective(DEFAULT_OBJECTIVE))
    assert (capacity.held, capacity.broken) == (held, broken)
    assert words.capacity_sentence(capacity, "en").startswith(f"capacity: {said}")
    assert words.capacity_sentence(capacity, "zh").startswith("容量：")
