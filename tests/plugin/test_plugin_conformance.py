"""The catalogue as a user's own tests: one item for each case, chosen by glob, against any gateway."""

from pathlib import Path

from tests.plain_v1_gateway import PlainGateway, running
from tests.plugin.plugin_process import Project

TEST = "def test_case(conforms):\n    conforms()\n"
FEW = ("--wdtts-include", "flushing.units_2* life.resume.all states.wait_start.*", "--wdtts-exclude", "*.units_24")


def run(folder: Path, *options: str) -> tuple[int, str]:
    return Project(folder, test=TEST).run("-v", *options)


def test_each_case_is_an_item_with_its_id_and_the_reference_gateway_passes(tmp_path: Path) -> None:
    code, said = run(tmp_path, *FEW)
    assert code == 0, said
    assert "test_case[flushing.units_25] PASSED" in said
    assert "test_case[life.resume.all] PASSED" in said
    assert "units_24" not in said


def test_a_plain_v1_gateway_gets_a_readable_list(tmp_path: Path) -> None:
    with running(PlainGateway()) as url:
        code, said = run(tmp_path, *FEW, "--wdtts-url", url)
    assert code == 1
    assert "test_case[flushing.units_25] PASSED" in said
    assert "test_case[states.wait_start.cancel] FAILED" in said
    assert (
        "FAILED 004 states.wait_start.cancel  [1, states]\n"
        "  expected  error bad_request, close\n"
        "  seen      close 1011\n"
    ) in said
    assert "Traceback" not in said.split("FAILURES")[1]


def test_what_cannot_be_tried_is_skipped_with_the_reason(tmp_path: Path) -> None:
    code, said = run(tmp_path, "--wdtts-include", "life.away.too_long", "-rs")
    assert code == 0, said
    assert "ttl_s is 120: sessions that live for over 3 s" in said


def test_no_case_chosen_says_how_to_see_them(tmp_path: Path) -> None:
    code, said = run(tmp_path, "--wdtts-include", "nothing*")
    assert code != 0
    assert "no case fits --wdtts-include and --wdtts-exclude: see wdtts conformance --list" in said
