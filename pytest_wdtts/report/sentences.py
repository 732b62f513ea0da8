"""The three sentences that matter, in the report's two languages: what is the verdict, who is hit, how it feels."""

from typing import Literal

from ..verdict import Row, Verdict
from .chinese import chinese
from .model import Report

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_VERDICT = {
    "en": {
        Verdict.PASS: "The gateway passes: all {assessed} rows that could be assessed hold.",
        Verdict.FAIL: "The gateway fails {failed} of {assessed} rows: {ids}.",
        Verdict.INVALID: "The run is no evidence and blames no gateway: {why}.",
        Verdict.NOT_ASSESSABLE: "Nothing could be assessed.",
    },
    "zh": {
        Verdict.PASS: "Gateway 通過：可評估的 {assessed} 項全部成立。",
        Verdict.FAIL: "Gateway 未通過：{assessed} 項中有 {failed} 項不成立：{ids}。",
        Verdict.INVALID: "本次執行不足為證，不歸咎於 Gateway：{why}。",
        Verdict.NOT_ASSESSABLE: "沒有任何一項可以評估。",
    },
}
_UNITS = {
    "en": "{sessions} sessions sent {sent} units and got {received} back: {missing} missing{explained}, "
    "{duplicate} twice, {mismatched} changed; {errors} sessions saw an error.",
    "zh": "{sessions} 個 session 送出 {sent} 字，收回 {received} 字：缺漏 {missing} 字{explained}、"
    "重複 {duplicate} 字、不符 {mismatched} 字；{errors} 個 session 出錯。",
}
_EXPLAINED = {"en": " ({n} explained by the plan)", "zh": "（其中 {n} 字由計畫解釋）"}
_LATENCY = {
    "en": "A unit took {p50} to be heard (p99 {p99}); waiting for the flush takes {flush} of it (p50), "
    "the gateway's own work {service} (p50; p99 {service99}).",
    "zh": "一個字從送出到有聲為 {p50}（p99 {p99}）；其中等待 flush 為 {flush}（p50），"
    "Gateway 本身的處理為 {service}（p50；p99 {service99}）。",
}
_NO_AUDIO = {"en": "No audio came at all.", "zh": "完全沒有收到音訊。"}


def sentences(report: Report, language: Language = "en") -> tuple[str, str, str]:
    """Return verdict, units and latency as sentences."""
    return _verdict(report, language), _units(report, language), _latency(report, language)


def said(text: str, language: Language) -> str:
    """What a judge or a session said, in the language asked for."""
    return chinese(text) if language == "zh" else text


def milliseconds(value_ms: float) -> str:
    """A time as a person reads it: 0.42 ms, 35 ms, 1.40 s."""
    if value_ms >= 1000:
        return f"{value_ms / 1000:.2f} s"
    return f"{value_ms:.0f} ms" if value_ms >= 10 else f"{value_ms:.2g} ms"


def _verdict(report: Report, language: Language) -> str:
    failed = [row for row in report.rows if row.verdict is Verdict.FAIL]
    return _VERDICT[language][report.verdict].format(
        assessed=sum(row.verdict is not Verdict.NOT_ASSESSABLE for row in report.rows),
        failed=len(failed),
        ids=", ".join(row.id for row in failed),
        why=said(_first_invalid(report.rows).rstrip("."), language),
    )


def _first_invalid(rows: list[Row]) -> str:
    return next((row.observed for row in rows if row.verdict is Verdict.INVALID), "")


def _units(report: Report, language: Language) -> str:
    s = report.summary
    explained = s.missing_units - s.unexplained_missing_units
    return _UNITS[language].format(
        sessions=f"{s.sessions:,}",
        sent=f"{s.sent_units:,}",
        received=f"{s.received_units:,}",
        missing=f"{s.missing_units:,}",
        explained=_EXPLAINED[language].format(n=f"{explained:,}") if explained else "",
        duplicate=f"{s.duplicate_units:,}",
        mismatched=f"{s.mismatched_units:,}",
        errors=f"{s.errors:,}",
    )


def _latency(report: Report, language: Language) -> str:
    unit, flush, service = (report.latency[f"{name}_ms"] for name in ("unit_latency", "flush_wait", "service_time"))
    if not unit["count"]:
        return _NO_AUDIO[language]
    return _LATENCY[language].format(
        p50=milliseconds(unit["p50"]),
        p99=milliseconds(unit["p99"]),
        flush=milliseconds(flush["p50"]),
        service=milliseconds(service["p50"]),
        service99=milliseconds(service["p99"]),
    )
