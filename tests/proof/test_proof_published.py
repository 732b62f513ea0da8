"""The published tables are those of the catalogue of defects as it is, and they are good."""

import json

from proof.cases import CASES
from proof.clean import STATISTICAL
from proof.matrix import FOLDER
from proof.rates import NOT_AT_TARGET, begun


def test_the_published_matrix_is_complete_and_proven() -> None:
    published = json.loads((FOLDER / "matrix.json").read_bytes())
    assert [entry["defect"] for entry in published] == [case.defect for case in CASES], "run: make proof"
    open_ = [entry["defect"] for entry in published if entry["trouble"] or set(entry["expected"]) - set(entry["red"])]
    assert open_ == []


def test_the_published_clean_runs_blame_nobody_by_counting() -> None:
    published = json.loads((FOLDER / "false_alarms.json").read_bytes())
    assert published["runs"] >= 100, "run: make proof-clean"
    assert set(published["red"]) <= STATISTICAL


def test_the_published_rates_name_every_defect_and_what_is_not_found_at_the_target() -> None:
    published = json.loads((FOLDER / "rates.json").read_bytes())
    assert [entry["defect"] for entry in published] == [case.defect for case in CASES], "run: make proof-rates"
    for entry, case in zip(published, CASES, strict=True):
        assert entry["dial"] == begun(case).dial
        assert [tried["value"] for tried in entry["tried"][:1]] in ([], [begun(case).ladder.down[0]])
    missed = {entry["defect"] for entry in published if entry["tried"] and not entry["tried"][0]["found_by"]}
    assert missed == set(NOT_AT_TARGET)
    page = (FOLDER / "rates.md").read_text(encoding="utf-8")
    assert page.count("| not measured yet |") == sum(not entry["tried"] for entry in published)
