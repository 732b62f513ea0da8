"""The narrowest place for a cut: after `text_end`, before or across the gateway's own end of the session."""

from pathlib import Path

import pytest

from pytest_wdtts.gate import Order, carry_out


@pytest.mark.parametrize("how", ["close", "reset", "silence"])
def test_whatever_crossed_on_the_wire_comes_again(how: str, tmp_path: Path) -> None:
    shares: dict[str, dict[str, object]] = {
        "disconnect": {"percent": 1.0, "how": how, "moment": "flushing", "reconnect_delay_s": 0.2}
    }
    order = Order(
        scenario="cut_while_flushing",
        load={"sessions": 8, "cps": 20.0, "duration_s": 1.5, "probe_interval_s": 0.0},
        shares=shares,
        report_dir=str(tmp_path),
    )
    report = carry_out(order).report
    assert report.summary.resumes == 8
    assert report.errors_by_code == {}
    assert report.summary.missing_units == 0
    assert report.summary.duplicate_units == 0
