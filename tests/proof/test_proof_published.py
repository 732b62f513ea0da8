"""The published tables are those of the catalogue of defects as it is, and they are good."""

import json

from proof.cases import CASES
from proof.clean import STATISTICAL
from proof.matrix import FOLDER


def test_the_published_matrix_is_complete_and_proven() -> None:
    published = json.loads((FOLDER / "matrix.json").read_bytes())
    assert [entry["defect"] for entry in published] == [case.defect for case in CASES], "run: make proof"
    open_ = [entry["defect"] for entry in published if entry["trouble"] or set(entry["expected"]) - set(entry["red"])]
    assert open_ == []


def test_the_published_clean_runs_blame_nobody_by_counting() -> None:
    published = json.loads((FOLDER / "false_alarms.json").read_bytes())
    assert published["runs"] >= 100, "run: make proof-clean"
    assert set(published["red"]) <= STATISTICAL
