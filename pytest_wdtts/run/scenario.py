"""The three scenarios of the operator's guide (chapters 2 and 6), as values that options and markers override."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict

from ..errors import UsageError
from ..faults import SHARES, CancelShare, DisconnectShare, FaultPlan, Share, SlowReaderShare, plan_faults
from ..load import Corpus, LoadPlan, SessionPlan, load_corpus, plan_probes, plan_sessions

Fields = Mapping[str, object]
S = TypeVar("S", bound=Struct)


class Scenario(Struct, frozen=True):
    """A named load, the shares of its sessions that get faults, and settings of an embedded gateway.

    `shares` takes the duration in seconds: in a run shorter than the guide's the pauses shrink with it.
    """

    name: str
    shares: Callable[[float], tuple[Share, ...]]
    gateway: dict[str, str] = {}


class RunPlan(Struct, frozen=True, kw_only=True):
    """All that a run will do, before it does it."""

    scenario: str
    run_id: str
    load: LoadPlan
    corpus: Corpus
    sessions: list[SessionPlan]
    probes: list[SessionPlan]
    faults: FaultPlan


def _baseline(duration_s: float) -> tuple[Share, ...]:
    return ()


def _mixed(duration_s: float) -> tuple[Share, ...]:
    pause_s = min(5.0, duration_s / 6)
    return DisconnectShare(reconnect_delay_s=pause_s), CancelShare(), SlowReaderShare(pause_s=pause_s)


def _heavy(duration_s: float) -> tuple[Share, ...]:
    pause_s = min(5.0, duration_s / 6)
    return (
        DisconnectShare(reconnect_delay_s=pause_s),
        CancelShare(),
        SlowReaderShare(percent=0.3, pause_s=min(10.0, duration_s / 3)),
    )


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("baseline", _baseline),
        Scenario("mixed", _mixed),
        Scenario("heavy", _heavy, {"WS_TTS_UNIT_AUDIO_MS": "400", "WS_TTS_UNSENT_BYTES": "262144"}),
    )
}


def find_scenario(name: str) -> Scenario:
    """Return a scenario by name. Raises `UsageError` with the valid names."""
    try:
        return SCENARIOS[name]
    except KeyError:
        raise UsageError(f"no scenario {name!r}: one of {', '.join(SCENARIOS)}") from None


def build_load(fields: Fields) -> LoadPlan:
    """Make a load plan of named fields. Raises `UsageError` naming a wrong one and the valid names."""
    return _filled("load", LoadPlan(), fields).checked()


def build_shares(scenario: Scenario, duration_s: float, asked: Mapping[str, Fields]) -> tuple[Share, ...]:
    """Make a scenario's shares, each field that was asked for in place of its default. Raises `UsageError`."""
    shares: dict[str, Share] = {share.name: share for share in scenario.shares(duration_s)}
    for name, fields in asked.items():
        shares[name] = _filled(name, shares.get(name) or SHARES[name](), fields)
    return tuple(shares.values())


def plan_run(scenario: Scenario, run_id: str, load: Fields, shares: Mapping[str, Fields]) -> RunPlan:
    """Lay out a whole run; pure but for reading the text. Raises `UsageError` for what cannot be."""
    load_plan = build_load(load)
    corpus = load_corpus(load_plan.corpus)
    sessions = plan_sessions(load_plan, corpus, run_id)
    return RunPlan(
        scenario=scenario.name,
        run_id=run_id,
        load=load_plan,
        corpus=corpus,
        sessions=sessions,
        probes=plan_probes(load_plan, run_id),
        faults=plan_faults(load_plan, sessions, build_shares(scenario, load_plan.duration_s, shares)),
    )


def _filled(name: str, default: S, fields: Fields) -> S:
    unknown = set(fields) - set(default.__struct_fields__)
    if unknown:
        valid = ", ".join(default.__struct_fields__)
        raise UsageError(f"{name}() has no {', '.join(sorted(unknown))}: valid are {valid}")
    try:
        return convert(asdict(default) | dict(fields), type(default))
    except ValidationError as error:
        raise UsageError(f"{name}(): {error}") from None
