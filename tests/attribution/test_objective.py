"""An objective is read, kept or broken; what is none is refused with the valid names."""

import pytest
from msgspec.structs import replace

from pytest_wdtts.attribution import DEFAULT_OBJECTIVE, read_objective
from pytest_wdtts.errors import UsageError
from tests.made_up_steps import percentiles, step_seen


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (DEFAULT_OBJECTIVE, True),
        ("service_time_ms.p99<8", False),
        ("service_time_ms.p99 <= 8", True),
        ("errors==0 and missing_units==0", True),
        ("ttfa_ms.p95<5 and errors==0", False),
        ("service_time_ms.max>1", True),
    ],
)
def test_an_objective_holds_or_breaks(text: str, holds: bool) -> None:
    assert read_objective(text).holds(step_seen()) is holds


def test_where_nothing_was_measured_no_time_was_kept() -> None:
    nothing = {"service_time_ms": percentiles(0) | {"count": 0}}
    seen = step_seen()
    assert not read_objective(DEFAULT_OBJECTIVE).holds(replace(seen, figures=seen.figures | nothing))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fast", "service_time_ms"),
        ("", "MEASURE.FIGURE<MS"),
        ("service_time_ms.p99<100 or errors==0", "joined by `and`"),
        ("service_ms.p99<100", "one of ttfa_ms, unit_latency_ms, service_time_ms"),
        ("service_time_ms.p98<100", "one of p50, p95, p99, p999, max"),
        ("mistakes==0", "one of errors, missing_units"),
        ("service_time_ms.p99<1.2x", "is no objective"),
    ],
)
def test_what_is_no_objective_is_refused_with_the_valid_names(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        read_objective(text)
