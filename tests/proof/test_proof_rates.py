"""The ladder of rates: down from the target while a defect is found, up until it is, and each value once."""

import pytest

from proof.cases import CASES, Case
from proof.rates import LADDERS, TARGET, Ladder, Measured, Tried, begun, full_size, markdown, seen

LADDER = Ladder((0.01, 0.001, 0.0003), up=(0.1, 1.0))


def climb(ladder: Ladder, lowest_found: float) -> list[float]:
    """The values tried of a defect that is found from `lowest_found` on."""
    tried: list[Tried] = []
    while (value := ladder.next_after(tried)) is not None:
        tried.append(Tried(value, ["unit_order"] if value >= lowest_found else [], [], []))
    return [one.value for one in tried]


@pytest.mark.parametrize(
    ("lowest_found", "values"),
    [
        (0.0, [0.01, 0.001, 0.0003]),
        (0.001, [0.01, 0.001, 0.0003]),
        (0.01, [0.01, 0.001]),
        (0.1, [0.01, 0.1]),
        (1.0, [0.01, 0.1, 1.0]),
        (2.0, [0.01, 0.1, 1.0]),
    ],
)
def test_a_ladder_goes_down_while_found_and_up_until_found(lowest_found: float, values: list[float]) -> None:
    assert climb(LADDER, lowest_found) == values


def test_what_strikes_a_share_begins_at_the_target() -> None:
    assert {LADDERS[name].down[0] for name in ("rate", "share")} == {TARGET}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.defect)
def test_every_defect_has_a_dial_or_is_tried_as_it_is(case: Case) -> None:
    known = begun(case)
    value = known.ladder.down[0]
    request = full_size(case, known, value).request
    assert request.startswith(case.defect)
    assert (f"{known.dial}={value:g}" in request) is bool(known.dial)


def test_rows_are_sorted_by_what_they_were_expected_to_be() -> None:
    case = next(case for case in CASES if case.defect == "resume_skips")
    tried = seen(case, 0.01, ["missing_units", "unit_order", "session_end"], case.must)
    assert tried.found_by == ["missing_units"]
    assert tried.green == ["resume_exactly_once", "sent_equals_received"]
    assert tried.others == ["session_end"]


def test_the_table_tells_found_from_overlooked() -> None:
    tried = [Tried(0.01, ["unit_order"], [], []), Tried(0.001, [], ["unit_order"], [])]
    found = Measured("chunk_swapped", "", "baseline", "rate", tried)
    never = Measured("stall", "start_s=6", "baseline", "seconds", [Tried(2, [], ["service_time_p99_stable"], [])])
    table = markdown([found, never])
    assert "| `chunk_swapped` | rate | 1 % | 0.1 % | `unit_order` | - |" in table
    assert "| `stall:start_s=6` | seconds | - | 2 s | - | - |" in table
    assert "**1 of the 1 defects that strike a share are found where it is 1 %.**" in table
    assert (found.found_at_target, never.found_at_target, never.lowest) == (True, False, None)
