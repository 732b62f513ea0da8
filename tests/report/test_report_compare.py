"""A difference is called one only where the windows' spread supports it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from pytest_wdtts.cli import main
from pytest_wdtts.errors import UsageError
from pytest_wdtts.report import Report, write_all
from pytest_wdtts.report.compare import (
    Finding,
    compare,
    comparison_lines,
    find_saved,
    read_condition,
    save,
    write_comparison,
)
from pytest_wdtts.report.keep import keep_and_compare
from tests.made_up_run import made_up_report, made_up_run


def test_the_same_run_twice_shows_no_difference() -> None:
    comparison = compare(made_up_report(), made_up_report())
    assert {d.finding for d in comparison.differences} <= {Finding.SAME, Finding.UNKNOWN}
    assert comparison.warnings == []


def test_a_slow_gateway_is_slower_where_it_is_slow_and_nowhere_else() -> None:
    found = {d.measure: d.finding for d in compare(made_up_report(), made_up_report("slower")).differences}
    assert found["service_time_ms"] is Finding.SLOWER
    assert found["flush_wait_ms"] is Finding.SAME
    back = {d.measure: d.finding for d in compare(made_up_report("slower"), made_up_report()).differences}
    assert back["service_time_ms"] is Finding.FASTER


def test_one_wild_window_is_no_difference() -> None:
    report = made_up_report()
    wild = [dict(window) for window in report.windows]
    wild[10]["service_time_ms"] = {**report.windows[10]["service_time_ms"], "p99": 9000.0}
    latency = report.latency | {"service_time_ms": {**report.latency["service_time_ms"], "p99": 9000.0}}
    after = replace(report, windows=wild, latency=latency)
    comparison = compare(report, after)
    found = next(d for d in comparison.differences if (d.measure, d.figure) == ("service_time_ms", "p99"))
    assert found.factor > 100
    assert found.finding is Finding.SAME
    assert read_condition("service_time_ms.p99>1.2x").broken_by(comparison) == ""


def test_no_audio_is_too_little_to_say() -> None:
    comparison = compare(made_up_report(), made_up_report("no audio"))
    found = {d.measure: d.finding for d in comparison.differences}
    assert found["service_time_ms"] is Finding.UNKNOWN
    assert any("too few windows" in line for line in comparison_lines(comparison))


def test_unlike_plans_and_machines_are_warned_of() -> None:
    report = made_up_report()
    other = replace(report, config=report.config | {"cps": 7.0}, environment=report.environment | {"cpus": "64"})
    warnings = compare(report, other).warnings
    assert "the plan differs in cps: 10.0 before, 7.0 after" in warnings
    assert "the machine differs in cpus: 2 before, 64 after" in warnings
    assert comparison_lines(compare(report, other))[1].startswith("  warning: the plan differs")


def test_runs_of_two_scenarios_are_refused() -> None:
    with pytest.raises(UsageError, match="give two of one scenario"):
        compare(made_up_report(), replace(made_up_report(), scenario="mixed"))


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("service_time_ms.p99>1.2x", True),
        ("service_time_ms.p99 > +20 ms", True),
        ("service_time_ms.p99>9999x", False),
        ("flush_wait_ms.p50>1.01x", False),
    ],
)
def test_conditions(text: str, broken: bool) -> None:
    words = read_condition(text).broken_by(compare(made_up_report(), made_up_report("slower")))
    assert bool(words) is broken
    if broken:
        assert words.startswith(f"{text}: 8.9")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "write MEASURE.FIGURE>1.2x"),
        ("service_time_ms.p99>1.2", "write MEASURE.FIGURE>1.2x"),
        ("speed.p99>1.2x", "no 'speed', one of ttfa_ms"),
        ("service_time_ms.p42>1.2x", "no 'p42', one of p50, p95, p99"),
        ("service_time_ms.p99>1.2.3x", "'1.2.3' is no number"),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_condition(text)
    assert words in str(refused.value)


def test_a_saved_run_is_found_by_name_by_file_and_by_directory(tmp_path: Path) -> None:
    path = save(made_up_report(), "main", tmp_path)
    for name in ("main", str(path), str(path.parent)):
        assert find_saved(name, "baseline", tmp_path) == made_up_report()


def test_an_unknown_name_lists_the_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none is saved yet: --wdtts-save NAME"):
        find_saved("other", "baseline", tmp_path)
    save(made_up_report(), "main", tmp_path)
    with pytest.raises(UsageError, match=r"no saved baseline run 'other'.*saved are main"):
        find_saved("other", "baseline", tmp_path)


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".."])
def test_a_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="give a plain name"):
        save(made_up_report(), name, tmp_path / "deep")


def test_a_gate_that_could_not_compare_does_not_stay_green(tmp_path: Path) -> None:
    conditions = [read_condition("service_time_ms.p99>1.2x")]
    kept = keep_and_compare([(made_up_report(), tmp_path)], tmp_path, "", "nothing", conditions, tmp_path)
    assert kept.broken[0].startswith("baseline was not compared: no saved baseline run 'nothing'")


def test_without_a_condition_the_first_run_of_all_breaks_nothing(tmp_path: Path) -> None:
    kept = keep_and_compare([(made_up_report(), tmp_path)], tmp_path, "main", "main", [], tmp_path)
    assert kept.broken == []
    assert kept.lines[0].startswith("  baseline was not compared: no saved baseline run 'main'")
    assert find_saved("main", "baseline", tmp_path) == made_up_report()


def test_saving_and_comparing_in_one_run_compares_with_the_run_before(tmp_path: Path) -> None:
    save(made_up_report(), "main", tmp_path)
    condition = read_condition("service_time_ms.p99>1.2x")
    kept = keep_and_compare([(made_up_report("slower"), tmp_path)], tmp_path, "main", "main", [condition], tmp_path)
    assert len(kept.broken) == 1
    assert find_saved("main", "baseline", tmp_path) == made_up_report("slower")
    assert (tmp_path / "baseline.compare.html").exists()


def test_two_runs_of_a_scenario_are_both_kept_and_each_is_compared_with_its_own(tmp_path: Path) -> None:
    (tmp_path / "baseline-2").mkdir()
    first, second = (made_up_report(), tmp_path), (made_up_report("slower"), tmp_path / "baseline-2")
    kept = keep_and_compare([first, second], tmp_path, "main", "", [], tmp_path / ".wdtts")
    assert len({line.rpartition(" ")[2] for line in kept.lines}) == 2, kept.lines
    again = keep_and_compare([first, second], tmp_path, "", "main", [], tmp_path / ".wdtts")
    assert again.broken == []
    assert not [line for line in again.lines if "SLOWER" in line or "faster" in line]
    assert find_saved("main", "baseline", tmp_path / ".wdtts", Path("baseline-2")) == made_up_report("slower")
    with pytest.raises(UsageError, match=r"no saved baseline run 'other'.*saved are main"):
        find_saved("other", "baseline", tmp_path / ".wdtts", Path("baseline-2"))


def test_a_partial_run_takes_no_whole_runs_place(tmp_path: Path) -> None:
    save(made_up_report(), "main", tmp_path)
    partial = replace(made_up_report("slower"), stopped="interrupted")
    condition = read_condition("service_time_ms.p99>1.2x")
    kept = keep_and_compare([(partial, tmp_path)], tmp_path, "main", "main", [condition], tmp_path)
    assert kept.broken == ["baseline was not compared: partial run (interrupted)"]
    assert kept.lines == ["  baseline was not saved as 'main': partial run (interrupted)"]
    assert find_saved("main", "baseline", tmp_path) == made_up_report()


def test_what_cannot_be_saved_or_drawn_is_said(tmp_path: Path) -> None:
    save(made_up_report(), "main", tmp_path)
    (tmp_path / "file").write_text("")
    kept = keep_and_compare([(made_up_report(), tmp_path / "gone")], tmp_path / "gone", "a/b", "main", [], tmp_path)
    assert any("baseline.compare.html cannot be written" in line for line in kept.lines)
    assert any("was not saved as 'a/b'" in line for line in kept.lines)


def test_the_page_has_table_and_both_curves(tmp_path: Path) -> None:
    page = write_comparison(compare(made_up_report(), made_up_report("slower")), tmp_path / "c.html").read_text()
    assert "變慢" in page
    assert page.count('"unit_latency_ms":[[') == 2


def reports_on_disk(directory: Path, wrong: str) -> str:
    write_all(made_up_report(wrong), made_up_run(wrong), directory)
    return str(directory / "baseline.json")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = reports_on_disk(tmp_path / "a", ""), reports_on_disk(tmp_path / "b", "slower")
    assert main(["compare", a, b, "--html", str(tmp_path / "c.html")]) == 0
    assert "SLOWER" in capsys.readouterr().out
    assert main(["compare", a, b, "--fail", "service_time_ms.p99>1.2x"]) == 1
    assert "FAIL service_time_ms.p99>1.2x" in capsys.readouterr().out
    assert main(["compare", a, str(tmp_path / "no.json")]) == 4
    assert "no report at" in capsys.readouterr().err
    assert main(["compare", a, a, "--html", str(tmp_path)]) == 0
    assert "cannot be written (Is a directory): see --html" in capsys.readouterr().err


def test_old_reports_without_histograms_compare_too() -> None:
    old: Report = replace(made_up_report(), histograms={}, percentile_curves={})
    assert compare(old, made_up_report()).differences
