"""The published schema is the model's own, reports keep to it, and what is no report is refused with words."""

from pathlib import Path

import jsonschema
import msgspec
import pytest

from pytest_wdtts.errors import UsageError
from pytest_wdtts.report import Report, read_report
from pytest_wdtts.report.schema import report_schema
from tests.made_up_run import WRONGS, made_up_report

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"


def test_published_schema_is_current() -> None:
    hint = "python -m pytest_wdtts.report.schema > docs/report.schema.json"
    assert PUBLISHED.read_bytes() == report_schema(), f"the model has changed; write it again: {hint}"


def as_json(report: Report) -> dict[str, object]:
    return msgspec.json.decode(msgspec.json.encode(report), type=dict[str, object])


@pytest.mark.parametrize("wrong", ["", *WRONGS])
def test_reports_keep_to_the_schema(wrong: str) -> None:
    jsonschema.validate(as_json(made_up_report(wrong)), msgspec.json.decode(PUBLISHED.read_bytes()))


@pytest.mark.parametrize(("field", "value"), [("verdict", "maybe"), ("summary", {}), ("windows", [{"start_s": 0}])])
def test_the_schema_can_refuse(field: str, value: object) -> None:
    report = as_json(made_up_report())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report | {field: value}, msgspec.json.decode(PUBLISHED.read_bytes()))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"schema": "wdtts.run/0"}', "has 'wdtts.run/0', this version reads 'wdtts.run/1': open it with the version"),
        (b'{"schema": "wdtts.run/2"}', "has 'wdtts.run/2', this version reads 'wdtts.run/1': open it with the version"),
        (b'{"rows": []}', "has 'no schema'"),
        (b'{"schema": "wdtts.run/1"}', "missing required field"),
        (b"not json", "is no report of wdtts.run/1"),
    ],
)
def test_what_is_no_report_is_refused_with_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        read_report(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_missing_report_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"give the \.json of a run"):
        read_report(tmp_path / "nothing.json")
