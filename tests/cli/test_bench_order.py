"""The guide's flags as an order: what is said counts, and what nobody asked to break stays whole."""

import argparse

import pytest

from pytest_wdtts.cli import build_parser
from pytest_wdtts.cli.bench import _order


def shares(*flags: str) -> dict[str, dict[str, object]]:
    chosen: argparse.Namespace = build_parser().parse_args(["bench", *flags])
    return _order(chosen).shares


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ((), {}),
        (("--reconnect-delay-s", "1"), {}),
        (("--disconnect-percent", "0.1"), {"disconnect": {"percent": 0.1}}),
        (
            ("--disconnect-percent", "0.1", "--reconnect-delay-s", "1"),
            {"disconnect": {"percent": 0.1, "reconnect_delay_s": 1.0}},
        ),
        (("--backpressure-pause-s", "3", "--cancel-percent", "0.2"), {"cancel": {"percent": 0.2}}),
    ],
)
def test_a_baseline_breaks_what_has_a_share_and_in_the_way_that_was_asked(
    flags: tuple[str, ...], asked: dict[str, dict[str, object]]
) -> None:
    assert shares(*flags) == asked


def test_a_mixed_run_has_its_own_shares_and_takes_times_alone() -> None:
    assert shares("--scenario", "mixed", "--reconnect-delay-s", "1") == {"disconnect": {"reconnect_delay_s": 1.0}}
