"""A fault plan: all from the seed, every fault inside the run, shares apart, refused where it cannot be."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert, json, to_builtins

from pytest_wdtts.clock import NS_PER_MS, NS_PER_S
from pytest_wdtts.errors import UsageError
from pytest_wdtts.faults import (
    GATEWAY_BREAKS,
    Cancel,
    CancelShare,
    Disconnect,
    DisconnectShare,
    Fault,
    FaultPlan,
    GatewayFault,
    Share,
    SlowReader,
    SlowReaderShare,
    check_share,
    plan_faults,
)
from pytest_wdtts.faults.shares import GatewayDrain, GatewayLogs, GatewayPause, GatewayRestart
from pytest_wdtts.load import LoadPlan, SessionPlan, load_corpus, plan_sessions

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


# --- the moments of a session ---


def at_moment(moment: str, **fields: float) -> list[tuple[Fault, SessionPlan]]:
    """Every session cut and cancelled at one moment, each fault beside the session that it is in."""
    load = convert(to_builtins(LoadPlan()) | fields, LoadPlan).checked()
    laid_out = plan_sessions(load, CORPUS, "r")
    shares: tuple[Share, ...] = (
        DisconnectShare(percent=0.5, moment=moment, reconnect_delay_s=2.0),
        CancelShare(percent=0.5, moment=moment),
    )
    return [(fault, laid_out[fault.session]) for fault in plan_faults(load, laid_out, shares).faults]


def test_before_audio_is_when_the_first_unit_has_just_left() -> None:
    assert {fault.at_ns - session.first_unit_ns for fault, session in at_moment("before_audio")} == {2 * NS_PER_MS}


def test_flushing_is_armed_just_before_the_text_ends_and_waits_for_it() -> None:
    for fault, session in at_moment("flushing"):
        assert isinstance(fault, Disconnect | Cancel)
        assert session.due_ns(len(session.text)) - fault.at_ns == 20 * NS_PER_MS
        assert fault.with_text_end


def test_mid_stream_is_neither_edge_and_leaves_time_to_come_back() -> None:
    found = at_moment("mid_stream")
    for fault, session in found:
        begin_ns, end_ns = session.first_unit_ns, session.due_ns(len(session.text))
        assert begin_ns + 5 * NS_PER_S < fault.at_ns
        assert fault.heals_ns < end_ns - 5 * NS_PER_S
        assert not getattr(fault, "with_text_end", False)
    assert len({(fault.at_ns - session.first_unit_ns) // NS_PER_S for fault, session in found}) > 20, "spread out"


@pytest.mark.parametrize("kind", [Disconnect, Cancel])
def test_any_moment_has_each_of_them_and_most_in_the_middle(kind: type[Fault]) -> None:
    faults = [fault for fault, _ in at_moment("any") if isinstance(fault, kind)]
    flushing = [fault for fault in faults if getattr(fault, "with_text_end", False)]
    early = [fault for fault in faults if fault.at_ns < 3 * NS_PER_S]
    assert (len(faults), len(flushing), len(early)) == (25, 5, 5)


def test_of_several_cuts_before_audio_the_first_alone_is_there() -> None:
    load = LoadPlan(sessions=4).checked()
    laid_out = plan_sessions(load, CORPUS, "r")
    share = DisconnectShare(percent=1.0, moment="before_audio", times=3, reconnect_delay_s=1.0)
    for session in laid_out:
        cuts = [f.at_ns for f in plan_faults(load, laid_out, (share,)).faults if f.session == session.index]
        early = [at_ns for at_ns in cuts if at_ns == session.first_unit_ns + 2 * NS_PER_MS]
        assert (len(cuts), len(early)) == (3, 1)


# --- slow readers come in waves ---


def test_slow_readers_pause_in_two_waves_with_calm_around_each() -> None:
    faults = plan((SlowReaderShare(percent=1.0, pause_s=5.0),)).faults
    first, second = faults[:25], faults[25:]
    for wave in (first, second):
        assert wave[-1].at_ns - wave[0].at_ns < 5 * NS_PER_S
        assert {fault.heals_ns - fault.at_ns for fault in wave} == {5 * NS_PER_S}
    assert first[0].at_ns > 13 * NS_PER_S, "calm after the warm-up of 5 s"
    assert second[0].at_ns - first[-1].heals_ns > 15 * NS_PER_S, "calm between"
    assert second[-1].heals_ns < 52 * NS_PER_S, "calm at the end"


def test_who_reads_slowly_more_often_than_there_are_waves_makes_more_waves() -> None:
    faults = plan((SlowReaderShare(percent=0.02, pause_s=2.0, times=3),)).faults
    assert [fault.session for fault in faults] == [faults[0].session] * 3
    assert all(a.heals_ns + 5 * NS_PER_S < b.at_ns for a, b in pairwise(faults))


def test_a_trickle_instead_of_a_pause() -> None:
    (fault,) = plan((SlowReaderShare(percent=0.02, read_bytes_per_s=700),)).faults
    assert isinstance(fault, SlowReader)
    assert fault.read_bytes_per_s == 700


# --- the gateway itself ---


def test_a_break_of_the_gateway_is_in_the_middle_where_nobody_says_when() -> None:
    found = plan((GatewayRestart(), CancelShare()))
    assert found.gateway == (GatewayFault(how="gateway_restart", at_ns=29_500_000_000, down_ns=NS_PER_S),)
    assert len(sessions(found, Cancel)) == 5, "the shares after it are laid out as well"


def test_a_break_of_the_gateway_comes_when_it_is_asked_for() -> None:
    (at_once,) = plan((GatewayPause(at_s=0.0, down_s=0.5),)).gateway
    assert (at_once.at_ns, at_once.heals_ns, at_once.takes_away) == (0, NS_PER_S // 2, False)
    (later,) = plan((GatewayRestart(at_s=40.0),)).gateway
    assert (later.at_ns, later.heals_ns, later.takes_away) == (40 * NS_PER_S, 41 * NS_PER_S, True)


@pytest.mark.parametrize(
    ("shares", "apart"),
    [
        ((GatewayRestart(at_s=5.0), GatewayDrain(at_s=6.1, down_s=2.0)), True),
        ((GatewayDrain(at_s=6.0, down_s=2.0), GatewayRestart(at_s=5.0)), False),
        ((GatewayRestart(), GatewayPause()), False),
        ((GatewayPause(at_s=5.0, down_s=9.0), GatewayDrain(at_s=7.0)), False),
        ((GatewayPause(), GatewayLogs()), True),
    ],
)
def test_a_gateway_that_is_away_cannot_be_broken(shares: tuple[Share, ...], apart: bool) -> None:
    if apart:
        assert len(plan(shares).gateway) == 2
    else:
        with pytest.raises(UsageError, match=r"comes while gateway_\w+ lasts, from .* give one of them another at_s"):
            plan(shares)


def test_connections_die_of_what_ends_the_process_or_its_network() -> None:
    assert {name for name, kind in GATEWAY_BREAKS.items() if kind.takes_away} == {
        "gateway_restart",
        "gateway_drain",
        "gateway_disconnect",
        "replica_loss",
    }


@pytest.mark.parametrize(
    ("shares", "longest_s"),
    [
        ((), 0),
        ((CancelShare(),), 0),
        ((DisconnectShare(reconnect_delay_s=3.0), SlowReaderShare(pause_s=7.0)), 7),
        ((DisconnectShare(reconnect_delay_s=3.0), GatewayRestart(down_s=9.0)), 9),
    ],
)
def test_the_longest_fault_says_how_long_a_run_may_need_after_it(shares: tuple[Share, ...], longest_s: int) -> None:
    assert plan(shares).longest_ns() == longest_s * NS_PER_S


@pytest.mark.parametrize(
    ("share", "fits"),
    [
        (GatewayRestart(at_s=58.5, down_s=1.0), True),
        (GatewayRestart(at_s=59.0, down_s=1.0), False),
        (GatewayRestart(down_s=60.0), False),
        (DisconnectShare(times=4, reconnect_delay_s=14.9), True),
        (DisconnectShare(times=4, reconnect_delay_s=15.0), False),
        (SlowReaderShare(pause_s=29.9), True),
        (SlowReaderShare(pause_s=30.0), False),  # Twice, for there are two waves.
        (SlowReaderShare(pause_s=20.0, times=3), False),
        (DisconnectShare(percent=0.0, reconnect_delay_s=100.0), True),
    ],
)
def test_what_does_not_end_within_the_run_is_refused(share: Share, fits: bool) -> None:
    if fits:
        check_share(share, LoadPlan().checked())
    else:
        with pytest.raises(UsageError, match="does not fit into 60 s"):
            check_share(share, LoadPlan().checked())


@pytest.mark.parametrize(
    "share",
    [
        CancelShare(percent=1.0),
        DisconnectShare(percent=0.0, resume_percent=0.0, reconnect_delay_s=0.0),
        SlowReaderShare(pause_s=0.0, receive_buffer_bytes=0, waves=1),
    ],
)
def test_the_edges_of_a_share_are_shares(share: Share) -> None:
    check_share(share, LoadPlan().checked())
