"""The pages beside `/tts`, and the two ways to show a key."""

from ..case import Case, Knock, Page
from ..expected import Answered

_PAGES = {
    "healthz": "200 with status 'ok', engine, engine_resolved, version, started_at (ISO 8601), uptime_s",
    "metrics": "200 with metrics in Prometheus' text format",
}
_KEYS = {
    "header": ("opened", "by the key as bearer token"),
    "query": ("opened", "by the key as ?api_key="),
    "missing": ("refused", "without a key"),
    "wrong_header": ("refused", "with a wrong bearer token"),
    "wrong_query": ("refused", "with a wrong ?api_key="),
}

CASES = (
    *(
        Case(f"door.{page}", f"1, {page}", (Page(page),), Answered("sound", f"GET /{page}: {words}"))
        for page, words in _PAGES.items()
    ),
    *(
        Case(f"door.key.{key}", "1, key", (Knock(key),), Answered(answer, f"{answer} {how}"))
        for key, (answer, how) in _KEYS.items()
    ),
)
