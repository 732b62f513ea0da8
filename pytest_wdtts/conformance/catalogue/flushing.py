"""The flush rule inside one delta and over several: hand-written, not computed by the rule it checks."""

from ..case import BEGUN, TEXT_END, Case, Step, delta
from ..expected import Ends

_MARKS = {
    "ideographic_comma": "，",
    "ideographic_stop": "。",
    "fullwidth_exclamation": "！",
    "fullwidth_question": "？",
    "fullwidth_semicolon": "；",
    "fullwidth_colon": "：",
    "comma": ",",
    "full_stop": ".",
    "exclamation": "!",
    "question": "?",
    "semicolon": ";",
    "newline": "\n",
}
_NO_MARKS = {"colon": ":", "enumeration_comma": "、", "ellipsis": "…", "carriage_return": "\r", "quote": "」"}
_A = "a"

_RULES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **{f"mark.{name}": ((f"ab{mark}cd",), (f"ab{mark}", "cd")) for name, mark in _MARKS.items()},
    **{f"no_mark.{name}": ((f"ab{sign}cd",), (f"ab{sign}cd",)) for name, sign in _NO_MARKS.items()},
    "nothing": ((), ()),
    "one_unit": (("a",), ("a",)),
    "only_a_mark": (("。",), ("。",)),
    "marks_in_a_row": (("a，，。b",), ("a，", "，", "。", "b")),
    "mark_first": (("，ab",), ("，", "ab")),
    "mark_last": (("ab，",), ("ab，",)),
    "three_sentences": (("您好，世界。再見！",), ("您好，", "世界。", "再見！")),
    "units_23": ((_A * 23,), (_A * 23,)),
    "units_24": ((_A * 24,), (_A * 24,)),
    "units_25": ((_A * 25,), (_A * 24, _A)),
    "units_48": ((_A * 48,), (_A * 24, _A * 24)),
    "units_49": ((_A * 49,), (_A * 24, _A * 24, _A)),
    "mark_as_24th": ((_A * 23 + "，b",), (_A * 23 + "，", "b")),
    "mark_as_25th": ((_A * 24 + "，b",), (_A * 24, "，", "b")),
    "limit_then_mark": ((_A * 30 + "，b",), (_A * 24, _A * 6 + "，", "b")),
    "mark_in_second_delta": (("ab", "c，d"), ("abc，", "d")),
    "limit_over_deltas": ((_A * 20, _A * 20), (_A * 24, _A * 16)),
    "unit_by_unit": (tuple("您好，世界"), ("您好，", "世界")),
    "mark_ends_delta": (("ab，", "cd。"), ("ab，", "cd。")),
    "long_text": (("字" * 240,), ("字" * 24,) * 10),
}


def _steps(deltas: tuple[str, ...]) -> tuple[Step, ...]:
    return (*BEGUN, *(delta(text) for text in deltas), TEXT_END)


CASES = tuple(
    Case(f"flushing.{name}", "1, flush rule", _steps(deltas), Ends(chunks=chunks))
    for name, (deltas, chunks) in _RULES.items()
)
