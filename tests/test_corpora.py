"""The shipped texts are what their manifest says, and long enough for every scenario."""

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from corpora.make_manifest import main, read_text

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
MANIFEST = CORPORA / "manifest.json"
ENTRIES: list[dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8"))

every_text = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])


def text_of(name: str) -> str:
    return read_text(CORPORA / f"{name}.txt")


def test_manifest_agrees_with_files() -> None:
    assert main(["--check"]) == 0


@every_text
def test_text_is_long_enough_and_of_known_origin(entry: dict[str, Any]) -> None:
    assert entry["units"] >= 800
    assert entry["file"] == f"{entry['name']}.txt"
    assert entry["licence"] == "Apache-2.0"
    assert entry["source"] == "written for this project"


@every_text
def test_file_ends_in_exactly_one_newline(entry: dict[str, Any]) -> None:
    raw = (CORPORA / entry["file"]).read_bytes()
    assert raw.endswith(b"\n")
    assert not raw.endswith(b"\n\n")
    assert b"\r" not in raw
    assert not raw.startswith(b"\xef\xbb\xbf")


@every_text
def test_chinese_ends_with_a_full_stop(entry: dict[str, Any]) -> None:
    if entry["language"].startswith("zh"):
        assert text_of(entry["name"]).endswith("。")


def test_the_two_chinese_texts_differ_in_marks() -> None:
    by_name = {entry["name"]: entry for entry in ENTRIES}
    assert 1 / 10 <= by_name["zh_high_punct"]["punctuation_density"] <= 1 / 6
    assert 1 / 60 <= by_name["zh_low_punct"]["punctuation_density"] <= 1 / 30
    assert by_name["zh_high_punct"]["longest_run_units"] < 24 < by_name["zh_low_punct"]["longest_run_units"]


def test_mixed_text_has_what_one_character_hides() -> None:
    mixed = text_of("mixed")
    assert "\N{ZERO WIDTH JOINER}" in mixed
    assert "\N{EMOJI MODIFIER FITZPATRICK TYPE-4}" in mixed
    assert "\n" in mixed
    assert unicodedata.normalize("NFC", mixed) != mixed


def test_check_sees_a_change_and_a_run_mends_it(tmp_path: Path) -> None:
    folder = tmp_path / "corpora"
    shutil.copytree(CORPORA, folder)
    with (folder / "en.txt").open("a", encoding="utf-8") as text:
        text.write("One line more.\n")
    assert main(["--check"], folder) == 1
    assert main([], folder) == 0
    assert main(["--check"], folder) == 0


def test_check_sees_a_text_that_is_not_listed(tmp_path: Path) -> None:
    folder = tmp_path / "corpora"
    shutil.copytree(CORPORA, folder)
    (folder / "stray.txt").write_text("Not in the manifest.\n", encoding="utf-8")
    assert main(["--check"], folder) == 1
