"""The page for people is Chinese throughout: no judge and no session says a sentence that the table does not know.

Whoever adds a sentence adds a line to `pytest_wdtts/report/assets/chinese.toml`.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from pytest_wdtts.attribution import split_latency
from pytest_wdtts.clock import NS_PER_S
from pytest_wdtts.faults.kinds import HOWS
from pytest_wdtts.load import LoadPlan
from pytest_wdtts.record import ChunkFlag, EventKind, RunResult
from pytest_wdtts.report.chinese import chinese, sentences_known
from pytest_wdtts.report.compare import compare
from pytest_wdtts.verdict import Verdict, judge, row_ids
from pytest_wdtts.verdict.case import Case
from tests.builders import SAMPLES, faulty_run, healthy_run, receive
from tests.chinese_words import NAMES, WORD
from tests.made_up_run import COLUMNS, WRONGS, made_up_report, made_up_run

PACKAGE = Path(__file__).resolve().parents[2] / "pytest_wdtts"
SPEAKING = sorted(
    [
        *(PACKAGE / "verdict").glob("*.py"),
        PACKAGE / "attribution/split.py",
        PACKAGE / "session/machine.py",
        PACKAGE / "session/phase.py",
        PACKAGE / "run/conversation.py",
        PACKAGE / "shards/slices.py",
        PACKAGE / "transport/tcp.py",
    ]
)
"""Who says what ends as `observed`, `limit`, evidence, an event, or the sentence of the split."""


def test_both_languages_have_the_same_places() -> None:
    places = re.compile(r"\{(\w+)\}")
    unlike = [
        english
        for english, translation in sentences_known().items()
        if sorted(places.findall(english)) != sorted(places.findall(translation))
    ]
    assert unlike == []


def test_every_row_event_and_fault_has_its_words() -> None:
    words = json.loads((PACKAGE / "report/assets/words.json").read_text(encoding="utf-8"))
    rows = {f"row_{row_id}" for scenario in ("baseline", "mixed", "heavy") for row_id in row_ids(scenario)}
    events = {f"event_{kind.value}" for kind in EventKind}
    cuts = {f"fault_{how}" for how in (*HOWS, "slow_reader", "gateway", "cancel")}
    verdicts = {f"verdict_{verdict.value}" for verdict in Verdict}
    assert (rows | events | cuts | verdicts) - set(words) == set()
    assert [key for key, said in words.items() if len(said) != 2 or not all(said)] == []
    sources = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.j2"), *(PACKAGE / "report/assets").glob("*[!n].js")]
    used = "".join(path.read_text(encoding="utf-8") for path in sources)
    built = ("row_", "event_", "fault_", "verdict_", "finding_")
    assert [key for key in words if not key.startswith(built) and f'"{key}"' not in used] == []


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """Every piece of text with a space in it: of plain strings, and between the places of f-strings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            silent.add(node.value)  # A docstring.
        elif isinstance(node, ast.Raise):
            silent.update(ast.walk(node))
        elif isinstance(node, ast.FunctionDef) and node.returns:
            silent.add(node.returns)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in silent:
            text = node.value if isinstance(node.value, str) else ""
            if " " in text and WORD.search(text):
                yield node.lineno, text


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_sentence_in_the_source_is_known(path: Path) -> None:
    known = "\n".join(re.sub(r"\{\w+\}", "\0", english) for english in sentences_known())
    unknown = [f"{path.name}:{line}: {text!r}" for line, text in literals(path) if text.strip(" ,;:()") not in known]
    assert unknown == [], "add a line to pytest_wdtts/report/assets/chinese.toml"


def english_left(text: str) -> set[str]:
    """Words of English in what should be Chinese; quoted text is a gateway's or a client's own."""
    own = re.sub(r"'[^']*'|\"[^\"]*\"", "", chinese(text))
    return {word for word in WORD.findall(own) if word.lower() not in NAMES}


def _refused() -> RunResult:
    result = faulty_run("heavy")
    record = result.sessions[0]
    record.note(record.sent_ns[-1], EventKind.ERROR, "resume_not_available: gone")
    return result


def _broken() -> RunResult:
    """Everything wrong that a session can show at once, and a gateway that keeps all audio for itself."""
    result = faulty_run("heavy")
    for record in (record for record in result.sessions if record.received_ns):
        record.chunk_seq[-1] += 5
        record.wrong_text[0] = "錯" * (record.chunk_end[0] + 1)
        record.flags[1] |= ChunkFlag.WRONG_UNITS | ChunkFlag.SILENT
        record.chunk_end[-1] += 900
        record.events = [event for event in record.events if event.kind is not EventKind.ENDED]
        receive(record, 0, 2, record.sent_ns[-1] + 20 * NS_PER_S)
    result.sessions[5].note(NS_PER_S, EventKind.ERROR, "backpressure: for nothing")
    result.sessions[6].note(NS_PER_S, EventKind.ERROR, "internal_error: oops")
    result.samples = [
        structs.replace(sample, rss_bytes=10**9 * at, unsent_bytes=10**9) for at, sample in enumerate(SAMPLES)
    ]
    return result


def _nothing_to_assess() -> RunResult:
    result = healthy_run("heavy", load=LoadPlan(sessions=2, cps=5.0, duration_s=2.0))
    result.samples = []
    return result


def _probes_in_trouble() -> RunResult:
    result = made_up_run("lost")
    for record in result.probes:
        for column in COLUMNS:
            del getattr(record, column)[:]
    return result


RUNS: dict[str, Callable[[], RunResult]] = {
    "healthy": made_up_run,
    **{wrong: partial(made_up_run, wrong) for wrong in WRONGS},
    "mixed": partial(faulty_run, "mixed"),
    "heavy": faulty_run,
    "refused": _refused,
    "broken": _broken,
    "probes in trouble": _probes_in_trouble,
    "nothing to assess": _nothing_to_assess,
    "too short": partial(made_up_run, "", LoadPlan(sessions=1, cps=5.0, duration_s=2.0)),
}


@pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)
def test_no_row_of_any_run_is_left_in_english(make: Callable[[], RunResult]) -> None:
    result = make()
    own = {event.detail for record in (*result.sessions, *result.probes) for event in record.events}
    said = {
        text
        for row in judge(result)
        for text in (row.observed, row.limit, *(piece.what for piece in row.evidence if piece.what not in own))
    }
    split = split_latency(Case(result))
    said |= {split.sentence} if split else set()
    left = {text: words for text in said if (words := english_left(text))}
    assert left == {}, "add a line to pytest_wdtts/report/assets/chinese.toml"


def test_warnings_of_a_comparison_are_known() -> None:
    report = made_up_report()
    other = structs.replace(
        report, config=report.config | {"cps": 7.0}, environment=report.environment | {"cpus": "64"}
    )
    warnings = compare(report, other).warnings
    assert [chinese(warning) for warning in warnings] == [
        "計畫的 cps 不同：之前 10.0，之後 7.0",
        "機器的 cpus 不同：之前 2，之後 64",
    ]


def test_what_is_not_known_is_found() -> None:
    assert english_left("3 units went for a walk") == {"units", "went", "for", "walk"}


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("168 unexplained", "168 字無法解釋"),
        ("no errors; injected 5 x cancel, 2 x slow_reader", "沒有錯誤；注入 5 × cancel、2 × slow_reader"),
        ("WRONG_LENGTH|SILENT in units 1..5 (64 bytes)", "unit 1..5 的音訊：長度不符、無聲（64 bytes）"),
        ("168 unexplained, 9 of these in probes", "168 字無法解釋、其中 9 字在探測中"),
        ("2 lost, 3 chunks before resume", "缺 2 字、resume 之前已有 3 個 chunk"),
        ("closed with 1006 in streaming, without tts_end", "在 streaming 階段以 1006 關閉，沒有 tts_end"),
        ("internal_error: nothing | in `units`", "internal_error: nothing | in `units`"),
        ("語音引擎壞了", "語音引擎壞了"),
    ],
)
def test_sentences_and_lists_of_them(english: str, expected: str) -> None:
    assert chinese(english) == expected
