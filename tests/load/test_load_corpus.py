"""Texts by name and by path; what cannot be spoken is refused in words."""

import hashlib
from pathlib import Path

import pytest

from pytest_wdtts.errors import UsageError
from pytest_wdtts.load import load_corpus, shipped_names


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_texts_load_by_name(name: str) -> None:
    corpus = load_corpus(name)
    assert corpus.units >= 800
    assert not corpus.text.endswith("\n")
    assert all(corpus.text[start] != " " for start in corpus.sentence_starts())


def test_the_four_texts_are_there() -> None:
    assert shipped_names() == ["zh_high_punct", "zh_low_punct", "en", "mixed"]


def test_own_text_is_sent_as_it_stands_but_for_one_newline(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes("é́ 您好。\n\n".encode())
    corpus = load_corpus(str(path))
    assert corpus.text == "é́ 您好。\n"
    assert corpus.units == 7
    assert corpus.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        load_corpus(str(tmp_path / "none.txt"))
    assert "cannot be read (No such file or directory)" in str(error.value)
    assert "zh_high_punct, zh_low_punct, en, mixed" in str(error.value)


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        load_corpus(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n\t\n"])
def test_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is empty: it needs at least cps x duration units"):
        load_corpus(str(path))


def test_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "big5.txt"
    path.write_bytes("ab您好".encode("big5"))
    with pytest.raises(UsageError, match=r"not UTF-8 \(byte 2 is 0xb1\): save it as UTF-8"):
        load_corpus(str(path))


def test_byte_order_mark_is_not_spoken(tmp_path: Path) -> None:
    path = tmp_path / "bom.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "您好。".encode())
    assert load_corpus(str(path)).text == "您好。"
