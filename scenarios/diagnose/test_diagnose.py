"""Diagnose (guide 4): the experiments against one gateway, one test for each cause that could make it slow."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_wdtts.report.diagnosis import DiagnosisReport

pytestmark = [pytest.mark.diagnose, pytest.mark.timeout(900)]

CAUSES = (
    "our_generator",
    "network_or_proxy",
    "slow_readers_hurt_others",
    "gateway_leaks_or_drifts",
    "gateway_saturated",
    "gateway_stalls",
    "flush_granularity",
)


@pytest.mark.parametrize("cause", CAUSES)
def test_cause(cause: str, wdtts_diagnosis: "DiagnosisReport") -> None:
    """The cause is not named; where the experiments could not show it, that is no pass."""
    finding = next(one for one in wdtts_diagnosis.findings if one.cause == cause)
    if finding.named:
        pytest.fail("\n".join(told.words["en"] for told in finding.evidence_for), pytrace=False)
    if not finding.assessable:
        reasons = [told.words["en"] for told in finding.evidence_against] or ["no step could show it"]
        pytest.skip(f"not assessable: {'; '.join(reasons)}")


def test_something_is_known(wdtts_diagnosis: "DiagnosisReport") -> None:
    """The objective held, or it is known why not."""
    if wdtts_diagnosis.cause == "cannot_tell":
        pytest.fail(f"{wdtts_diagnosis.title['en']}: {wdtts_diagnosis.capacity_words['en']}", pytrace=False)
