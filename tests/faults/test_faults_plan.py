"""A fault plan: all from the seed, every fault inside the run, shares apart, refused where it cannot be."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert, json, to_builtins

from pytest_wdtts.clock import NS_PER_S
from pytest_wdtts.errors import UsageError
from pytest_wdtts.faults import (
    Cancel,
    CancelShare,
    Disconnect,
    DisconnectShare,
    Fault,
    FaultPlan,
    Share,
    SlowReader,
    SlowReaderShare,
    check_share,
    plan_faults,
)
from pytest_wdtts.load import LoadPlan, load_corpus, plan_sessions

CORPUS = load_corpus("zh_high_punct")
MIXED: tuple[Share, ...] = (DisconnectShare(), CancelShare(), SlowReaderShare())


def plan(shares: tuple[Share, ...], **fields: float) -> FaultPlan:
    load = convert(to_builtins(LoadPlan()) | fields, LoadPlan).checked()
    return plan_faults(load, plan_sessions(load, CORPUS, "r"), shares)


def sessions(found: FaultPlan, kind: type[Fault]) -> set[int]:
    return {fault.session for fault in found.faults if isinstance(fault, kind)}


def test_guides_shares_hit_ten_percent_each_and_nobody_twice() -> None:
    found = plan(MIXED)
    chosen = [sessions(found, kind) for kind in (Disconnect, Cancel, SlowReader)]
    assert [len(some) for some in chosen] == [5, 5, 5]
    assert len(set.union(*chosen)) == 15


def test_same_seed_same_plan_other_seed_another() -> None:
    assert plan(MIXED, seed=7) == plan(MIXED, seed=7)
    assert plan(MIXED, seed=7) != plan(MIXED, seed=8)


def test_a_small_share_hits_one_at_least_and_none_hits_none() -> None:
    assert len(sessions(plan((CancelShare(percent=0.001),), sessions=5), Cancel)) == 1
    assert plan((CancelShare(percent=0.0), SlowReaderShare(percent=0.0))).faults == ()


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1, 4),
    st.floats(0, 2),
    st.integers(0, 99),
    st.integers(1, 20),
)
@settings(max_examples=60)
def test_every_fault_begins_within_its_session(
    cut: float, cancel: float, slow: float, times: int, pause_s: float, seed: int, count: int
) -> None:
    shares: tuple[Share, ...] = (
        DisconnectShare(percent=cut, times=times, reconnect_delay_s=pause_s),
        CancelShare(percent=cancel),
        SlowReaderShare(percent=slow, times=times, pause_s=pause_s),
    )
    load = LoadPlan(sessions=count, duration_s=20.0, seed=seed).checked()
    laid_out = plan_sessions(load, CORPUS, "r")
    found = plan_faults(load, laid_out, shares)
    for fault in found.faults:
        session = laid_out[fault.session]
        assert session.open_ns <= fault.at_ns <= session.due_ns(len(session.text)) + NS_PER_S
        assert fault.heals_ns >= fault.at_ns
    assert list(found.faults) == sorted(found.faults, key=lambda fault: (fault.at_ns, fault.session))
    for kind, share in ((Disconnect, cut), (Cancel, cancel), (SlowReader, slow)):
        assert len(sessions(found, kind)) == min(count, max(round(share * count), 1 if share else 0))


@pytest.mark.parametrize("how", ["close", "reset", "silence", "within_frame"])
def test_one_way_to_cut(how: str) -> None:
    found = plan((DisconnectShare(percent=1.0, how=how),))
    assert {fault.how for fault in found.faults if isinstance(fault, Disconnect)} == {how}


def test_any_way_means_all_of_them() -> None:
    found = plan((DisconnectShare(percent=1.0),))
    assert {f.how for f in found.faults if isinstance(f, Disconnect)} == {"close", "reset", "silence", "within_frame"}


def test_the_only_cut_of_a_small_run_leaves_audio_to_replay() -> None:
    (only,) = plan((DisconnectShare(percent=0.1),), sessions=5).faults
    assert isinstance(only, Disconnect)
    assert only.how == "within_frame"


@pytest.mark.parametrize(("share", "resumes"), [(0.0, {False}), (1.0, {True}), (0.5, {False, True})])
def test_returns_with_and_without_resume(share: float, resumes: set[bool]) -> None:
    found = plan((DisconnectShare(percent=1.0, resume_percent=share),))
    assert {fault.resume for fault in found.faults if isinstance(fault, Disconnect)} == resumes


def test_again_and_again_never_overlaps() -> None:
    found = plan((DisconnectShare(percent=1.0, times=4, reconnect_delay_s=3.0, moment="mid_stream"),))
    for index in range(50):
        cuts = [fault for fault in found.faults if fault.session == index]
        assert len(cuts) == 4
        assert all(a.heals_ns <= b.at_ns for a, b in pairwise(cuts))


def test_small_kernel_buffers_for_slow_readers_only() -> None:
    found = plan((SlowReaderShare(percent=0.2, receive_buffer_bytes=4096), DisconnectShare()))
    assert set(found.receive_buffers()) == sessions(found, SlowReader)
    assert set(found.receive_buffers().values()) == {4096}


def test_faults_travel_as_json_and_come_back() -> None:
    found = plan(MIXED)
    assert json.decode(json.encode(found.faults), type=tuple[Fault, ...]) == found.faults
    assert set(found.described()) == {"disconnect", "cancel", "slow_reader"}


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (CancelShare(percent=1.5), "cancel(percent=1.5): a share is a number from 0 to 1"),
        (CancelShare(percent=float("nan")), "cancel(percent=nan): a share is"),
        (DisconnectShare(resume_percent=-1), "disconnect(resume_percent=-1): a share is"),
        (DisconnectShare(how="axe"), "disconnect(how='axe'): one of any, close, reset, silence, within_frame"),
        (CancelShare(moment="later"), "cancel(moment='later'): one of any, before_audio, mid_stream, flushing"),
        (DisconnectShare(reconnect_delay_s=-1), "disconnect(reconnect_delay_s=-1): give 0 or more"),
        (SlowReaderShare(pause_s=float("nan")), "slow_reader(pause_s=nan): give 0 or more"),
        (SlowReaderShare(times=0), "slow_reader(times=0): give 1 or more"),
        (SlowReaderShare(pause_s=60), "does not fit into 60 s: shorten the fault or lengthen the duration"),
        (DisconnectShare(times=20, reconnect_delay_s=3), "20 x 3 s does not fit into 60 s"),
    ],
)
def test_what_cannot_be_a_share_is_refused_in_words(share: Share, words: str) -> None:
    with pytest.raises(UsageError) as error:
        check_share(share, LoadPlan().checked())
    assert words in str(error.value)


def test_a_share_of_nobody_need_not_fit() -> None:
    check_share(SlowReaderShare(percent=0.0, pause_s=600), LoadPlan().checked())
