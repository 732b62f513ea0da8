"""Garble, settings, redaction, and what the findings come to: the doctor's pure parts."""

import json
from pathlib import Path

import pytest

from pytest_wdtts.doctor import (
    LOOKS,
    Finding,
    Scene,
    Severity,
    as_json,
    as_sum,
    as_text,
    examine,
    exit_code,
    garble,
    redact,
)
from pytest_wdtts.doctor.garble import GARBLED, SUSPICIOUS
from pytest_wdtts.doctor.scene import read_env_file
from tests.doctor import test_doctor_containers, test_doctor_live, test_doctor_startup

EXAMPLE = Path(__file__).resolve().parents[2] / "ci" / ".env.example"
GPU = {
    "COMPOSE_PROFILES": "gpu",
    "HF_TOKEN": "hf_abcdefghijklmnopqrstuv",
    "SGLANG_MODEL": "twinkle-ai/Llama-3.2-3B-F1-Instruct",
    "MAX_MODEL_LEN": "2048",
    "SGLANG_MEM_FRACTION_STATIC": "0.95",
    "SGLANG_KV_CACHE_DTYPE": "fp8_e4m3",
    "SGLANG_ALLOW_AUTO_TRUNCATE": "1",
    "SGLANG_MAX_TOTAL_TOKENS": "4096",
    "PUBLISH_ADDRESS": "127.0.0.1",
}


@pytest.mark.parametrize(
    "text",
    [
        "台北是台灣的首都，有很多夜市。",
        "The weather in Taipei is fine today; bring an umbrella anyway.",
        "好的好的，我知道了。哈哈哈！",
        "等等……讓我想想。",
        "1. 早餐\n2. 午餐\n3. 晚餐",
        "價格是 1000000 元。",
        "",
    ],
)
def test_good_answers_score_low(text: str) -> None:
    assert garble(text).score < SUSPICIOUS


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("1" * 60, "repeated"),
        ("台北" + "的" * 30, "repeated"),
        ("YouYouYouYouYouYouYou", "looped"),
        ("今天天氣今天天氣今天天氣今天天氣今天天氣", "looped"),
        ("the the the the the the the", "looped"),
        ("台北Привет안녕하세요مرحبا好", "foreign"),
        ("台\ufffd\ufffd北\ufffd\ufffd好\ufffd", "damaged"),
    ],
)
def test_rubbish_scores_high_and_is_named_with_examples(text: str, part: str) -> None:
    judged = garble(text)
    assert judged.score >= GARBLED
    assert getattr(judged, part) >= GARBLED
    assert judged.examples or part == "damaged"


def test_a_script_that_the_prompt_uses_is_meant() -> None:
    assert garble("Привет, как дела", "Скажи привет").score < SUSPICIOUS <= garble("Привет, как дела", "hi").score


def scene(tmp_path: Path, settings: dict[str, str] | None) -> Scene:
    path = tmp_path / ".env"
    if settings is not None:
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
    nobody = "http://127.0.0.1:9"
    return Scene(nobody, "ws://127.0.0.1:9/tts", "ws://127.0.0.1:9/chat", nobody, nobody, path, use_docker=False)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GPU:
        monkeypatch.delenv(name, raising=False)


def test_the_guides_settings_are_fine(tmp_path: Path) -> None:
    (only,) = examine(scene(tmp_path, GPU), ["settings"])
    assert only.severity is Severity.OK


def test_the_example_has_every_setting_that_is_known_to_the_guide() -> None:
    assert set(GPU) <= set(read_env_file(EXAMPLE))


WRONG_SETTINGS = [
    ("HF_TOKEN", "", "warning", "gated"),
    ("HF_TOKEN", "sk-12345", "warning", "does not look like"),
    ("SGLANG_MODEL", "", "broken", "missing"),
    ("SGLANG_MODEL", "just-a-name", "broken", "OWNER/NAME"),
    ("SGLANG_MODEL", "owner/model-GGUF", "warning", "5.5"),
    ("MAX_MODEL_LEN", "", "warning", "missing"),
    ("MAX_MODEL_LEN", "many", "broken", "whole number"),
    ("MAX_MODEL_LEN", "131072", "warning", "8 GB"),
    ("SGLANG_MEM_FRACTION_STATIC", "95", "broken", "share from 0 to 1"),
    ("SGLANG_MEM_FRACTION_STATIC", "0.5", "warning", "KV cache may not fit"),
    ("SGLANG_KV_CACHE_DTYPE", "int4", "broken", "fp8_e4m3"),
    ("SGLANG_KV_CACHE_DTYPE", "auto", "warning", "halves"),
    ("SGLANG_ALLOW_AUTO_TRUNCATE", "", "warning", "400"),
    ("SGLANG_MAX_TOTAL_TOKENS", "", "warning", "missing"),
    ("SGLANG_MAX_TOTAL_TOKENS", "1024", "broken", "below MAX_MODEL_LEN"),
    ("SGLANG_MEM_FRACTION", "0.9", "warning", "SGLANG_MEM_FRACTION_STATIC is"),
]


@pytest.mark.parametrize(("name", "value", "severity", "words"), WRONG_SETTINGS)
def test_a_wrong_setting_is_named_with_what_to_set(
    tmp_path: Path, name: str, value: str, severity: str, words: str
) -> None:
    found = [one for one in examine(scene(tmp_path, GPU | {name: value}), ["settings"]) if one.subject == name]
    (only,) = found
    assert only.severity.value == severity
    assert words in only.said
    assert only.next


def test_open_ports_without_keys_are_dangerous(tmp_path: Path) -> None:
    found = list(examine(scene(tmp_path, GPU | {"PUBLISH_ADDRESS": "0.0.0.0"}), ["settings"]))
    assert {one.subject for one in found} == {"WS_TTS_API_KEY", "SGLANG_API_KEY", "ORCHESTRATOR_API_KEY"}


def test_no_env_file_says_how_to_get_one(tmp_path: Path) -> None:
    (only,) = examine(scene(tmp_path, None), ["settings"])
    assert only.next == "cp ci/.env.example ci/.env"


def test_env_files_are_read_as_compose_reads_them(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("\ufeff# c\nA=1\nexport B = two # c\nC='x # y'\nD=\"q\"\nE=\nF=a#b\nno line\n", encoding="utf-8")
    assert read_env_file(path) == {"A": "1", "B": "two", "C": "x # y", "D": "q", "E": "", "F": "a#b"}


def test_secrets_are_hidden_by_name_and_by_shape() -> None:
    settings = {"SGLANG_API_KEY": "s3cret-key", "SGLANG_MAX_TOTAL_TOKENS": "4096", "SSH_KEY_FILE": "/etc/ssl"}
    text = "key s3cret-key, hf_ABCDEFGHIJ, Authorization: Bearer tok.en, ?api_key=zzz&x=1, 4096 tokens, /etc/ssl"
    hidden = redact(text, settings)
    assert hidden == "key ***, ***, Authorization: Bearer ***, ?api_key=***&x=1, 4096 tokens, /etc/ssl"


@pytest.mark.parametrize(
    ("severities", "code"),
    [("", 0), ("ok ok", 0), ("ok unknown", 3), ("unknown warning", 5), ("warning broken unknown ok", 1)],
)
def test_the_exit_code_is_the_worst_finding(severities: str, code: int) -> None:
    assert exit_code(Finding("c", "s", Severity(one), "x") for one in severities.split()) == code


def test_text_and_json_say_the_same() -> None:
    finding = Finding("llm_health", "llm", Severity.BROKEN, "answers 503", ("proof",), "curl x")
    text, body = as_text(finding), json.loads(as_json([finding]))
    assert text.splitlines() == ["BROKEN   llm_health: answers 503", "         | proof", "         > curl x"]
    assert body["schema"] == "wdtts.doctor/1"
    assert body["exit_code"] == 1
    assert body["findings"][0]["evidence"] == ["proof"]


def test_the_last_line_counts_and_says_where_to_begin() -> None:
    one, two = (Finding("c", "s", Severity.BROKEN, "x", (), following) for following in ("", "curl y"))
    fine = Finding("c", "s", Severity.OK, "x", (), "curl z")
    assert as_sum([fine, one, two]) == "doctor: 2 broken, 1 ok; begin with: curl y"
    assert as_sum([fine]) == "doctor: 1 ok"


def test_the_page_about_the_doctor_names_every_look() -> None:
    page = (EXAMPLE.parents[1] / "docs" / "how-to" / "doctor.md").read_text(encoding="utf-8")
    assert [look.name for look in LOOKS if f"`{look.name}`" not in page] == []


def test_the_page_counts_what_the_doctor_was_tried_on() -> None:
    page = (EXAMPLE.parents[1] / "docs" / "how-to" / "doctor.md").read_text(encoding="utf-8")
    tried = {
        "test_doctor_live.py": len(test_doctor_live.BROKEN),
        "test_doctor_containers.py": len(test_doctor_containers.BROKEN),
        "test_doctor_startup.py": len(test_doctor_startup.FAILURES),
        "test_doctor_words.py": len(WRONG_SETTINGS),
    }
    assert [name for name, count in tried.items() if f"| {count} | `tests/doctor/{name}` |" not in page] == []
