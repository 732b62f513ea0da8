"""The flush rule against a model that reads like the contract's sentence."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_wdtts.protocol import chunk_ends, split_chunks
from pytest_wdtts.protocol.flush import flush_pattern

MARKS = "，。！？；：,.!?;\n"
TEXTS = st.lists(
    st.one_of(st.sampled_from(MARKS), st.characters(exclude_categories=()), st.just("長" * 23)), max_size=60
).map("".join)


def naive(text: str) -> tuple[list[str], str]:
    chunks, pending = [], ""
    for unit in text:
        pending += unit
        if len(pending) == 24 or unit in MARKS:
            chunks.append(pending)
            pending = ""
    return chunks, pending


@given(TEXTS)
def test_whole_chunks_are_the_models(text: str) -> None:
    assert list(split_chunks(text)) == naive(text)[0]


@given(TEXTS)
def test_ends_are_the_models_with_text_end_flushing_the_rest(text: str) -> None:
    chunks, pending = naive(text)
    lengths = [len(chunk) for chunk in [*chunks, *([pending] if pending else [])]]
    assert chunk_ends(text) == [sum(lengths[: i + 1]) - 1 for i in range(len(lengths))]


@given(TEXTS, st.integers(0, 100))
def test_chunks_do_not_depend_on_where_the_text_was_cut_on_its_way(text: str, cut: int) -> None:
    first, rest = text[:cut], text[cut:]
    early = list(split_chunks(first))
    pending = first[sum(map(len, early)) :]
    assert early + list(split_chunks(pending + rest)) == list(split_chunks(text))


def test_by_hand() -> None:
    assert list(split_chunks("您好，世界。再")) == ["您好，", "世界。"]
    assert list(split_chunks("a" * 49)) == ["a" * 24, "a" * 24]
    assert list(split_chunks("a" * 23 + "。")) == ["a" * 23 + "。"]
    assert list(split_chunks("a" * 24 + "。")) == ["a" * 24, "。"]
    assert chunk_ends("") == []
    assert chunk_ends("您好") == [1]


def test_another_length_of_pending() -> None:
    assert flush_pattern(3).findall("abcd，ef") == ["abc", "d，"]
