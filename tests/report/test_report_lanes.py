"""When anything was broken on purpose, the report says so: sessions, and the gateway itself."""

from pytest_wdtts.clock import NS_PER_S
from pytest_wdtts.record import GatewayFaultLine
from pytest_wdtts.report.lanes import fault_intervals
from pytest_wdtts.verdict.case import Case
from tests.builders import faulty_run


def test_a_fault_of_the_gateway_itself_is_an_interval_of_nobody_s() -> None:
    result = faulty_run()
    before = fault_intervals(Case(result))
    assert {interval.fault for interval in before} == {"reset", "cancel", "slow_reader"}
    result.gateway_faults = [GatewayFaultLine("gateway_pause", 15 * NS_PER_S, 17 * NS_PER_S)]
    (found,) = (interval for interval in fault_intervals(Case(result)) if interval not in before)
    assert (found.fault, found.session, found.start_s, found.end_s) == ("gateway_pause", "", 15.0, 17.0)
