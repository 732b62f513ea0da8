"""The markers, and what a test's markers ask for. Keyword arguments are checked at collection."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

SCENARIO_MARKERS = {
    "baseline": "acceptance without faults: 50 sessions, 5 units a second, 60 s",
    "mixed": "the same with disconnects, cancels and slow readers, 10 % each",
    "heavy": "the same with 30 % slow readers that stop for 10 s",
}
VALUE_MARKERS = {
    "load": "load(sessions, cps, duration_s, corpus, seed, ramp_s, warmup_s, probe_interval_s, loop): the load",
    "disconnect": "disconnect(percent, reconnect_delay_s, how, moment, times, resume_percent): cut connections",
    "cancel": "cancel(percent, moment): cancel sessions",
    "slow_reader": "slow_reader(percent, pause_s, read_bytes_per_s, receive_buffer_bytes, times, waves): stop reading",
    "gateway_restart": "gateway_restart(at_s, down_s): kill the gateway and start it again",
    "gateway_pause": "gateway_pause(at_s, down_s): stop the gateway's process for a while",
    "gateway_drain": "gateway_drain(at_s, down_s): SIGTERM the gateway, then start it again",
    "gateway_disconnect": "gateway_disconnect(at_s, down_s): take the gateway's container off its network (compose)",
    "gateway_cpu": "gateway_cpu(at_s, down_s): leave the gateway's container a fifth of a core (compose)",
    "gateway_memory": "gateway_memory(at_s, down_s): leave the gateway's container hardly any memory (compose)",
    "gateway_logs": "gateway_logs(at_s, down_s): let nobody take the gateway's log, as a disk that hangs",
    "replica_loss": "replica_loss(at_s, down_s): kill one gateway of three behind the proxy (compose)",
    "proxy_reload": "proxy_reload(at_s): reload the proxy in mid-stream (compose)",
}
CONTAINERS = "containers"
SELECTING_MARKERS = (
    "conformance: the contract, each case of the catalogue a test of its own",
    f"{CONTAINERS}: containers are broken; skipped unless --wdtts-stack compose brings them up",
)
DIAGNOSE_MARKER = "diagnose(quick, objective, max_sessions, cps, corpus, seed): why is it slow, with wdtts_diagnosis"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test's markers ask for: a scenario, fields of the load, fields of shares by name.

    `test` names the test that asks for a run of its own making, which is no scenario of ours.
    """

    scenario: str
    load: dict[str, Any] = field(default_factory=dict)
    shares: dict[str, dict[str, Any]] = field(default_factory=dict)
    test: str = ""

    @property
    def key(self) -> str:
        """Tests with the same key share one run."""
        return repr((self.scenario, sorted(self.load.items()), sorted(self.shares.items())))


def add_markers(config: "pytest.Config") -> None:
    """Declare them all to pytest."""
    for name, text in SCENARIO_MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")
    for text in SELECTING_MARKERS:
        config.addinivalue_line("markers", text)
    for text in (*VALUE_MARKERS.values(), DIAGNOSE_MARKER):
        config.addinivalue_line("markers", text)


def read_markers(item: "pytest.Item") -> Asked | None:
    """Return what an item's markers ask for; None where it has none of ours, or is skipped.

    Raises `ValueError` with words.
    """
    scenarios = [name for name in SCENARIO_MARKERS if item.get_closest_marker(name)]
    if len(scenarios) > 1:
        raise ValueError(f"{item.nodeid} is marked {' and '.join(scenarios)}: one test asks for one scenario")
    scenario = "".join(scenarios)
    values: dict[str, dict[str, Any]] = {}
    for name, form in VALUE_MARKERS.items():
        for mark in reversed(list(item.iter_markers(name))):
            if mark.args:
                raise ValueError(f"{item.nodeid}: {name}() takes keyword arguments only: {form}")
            values.setdefault(name, {}).update(mark.kwargs)
    if (not scenario and not values) or _is_skipped(item):
        return None
    load = values.pop("load", {})
    # Not the name with its parameters: the rows of one run are parameters too.
    return Asked(scenario, load, values, getattr(item, "originalname", None) or item.name)


def _is_skipped(item: "pytest.Item") -> bool:
    """Whether `skip` or `skipif` keep it from running: nobody would lead the run that the other workers wait for."""
    from _pytest.outcomes import Failed
    from _pytest.skipping import evaluate_skip_marks

    with suppress(Failed):  # A condition that cannot be read is pytest's to tell, when the test's turn comes.
        return evaluate_skip_marks(item) is not None
    return False


def read_diagnose(item: "pytest.Item") -> dict[str, Any] | None:
    """Return what an item's `diagnose` markers ask for; None where it has none. Raises `ValueError` with words."""
    marks = list(item.iter_markers("diagnose"))
    if any(mark.args for mark in marks):
        raise ValueError(f"{item.nodeid}: diagnose() takes keyword arguments only: {DIAGNOSE_MARKER}")
    fields: dict[str, Any] = {}
    for mark in reversed(marks):
        fields |= mark.kwargs
    return fields if marks else None
