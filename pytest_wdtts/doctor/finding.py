"""What the doctor says: one finding per thing looked at, with its proof and the next command."""

import re
from collections.abc import Iterable
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace


class Severity(Enum):
    """How bad; the value is its word in text and JSON."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    UNKNOWN = "unknown"


# From mild to bad, with the exit codes; 2 and 4 mean "interrupted" and "usage" everywhere in `wdtts`.
_EXIT_CODES = {Severity.OK: 0, Severity.UNKNOWN: 3, Severity.WARNING: 5, Severity.BROKEN: 1}


class Finding(Struct, frozen=True):
    """`check` names the look, `subject` the service or setting, `next` a command or setting to copy."""

    check: str
    subject: str
    severity: Severity
    said: str
    evidence: tuple[str, ...] = ()
    next: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """0: all is well; 1: something is broken; 5: a warning at worst; 3: something could not be looked at."""
    order = list(_EXIT_CODES)
    worst = max((order.index(finding.severity) for finding in findings), default=0)
    return _EXIT_CODES[order[worst]]


_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SECRET_SHAPE = re.compile(r"\bhf_[A-Za-z0-9]{6,}|(?<=Bearer )[^\s\"',]+|(?<=api_key=)[^\s&\"']+|(?<=--api-key )\S+")
HIDDEN = "***"


def redact(text: str, settings: dict[str, str]) -> str:
    """Hide the values of secret settings, and whatever has the shape of a secret."""
    # Numbers are no secrets (SGLANG_MAX_TOTAL_TOKENS has the word in its name), and neither are paths. To hide
    # what is shorter than four characters would shred the text and tell the secret.
    secrets = [
        value
        for name, value in settings.items()
        if _SECRET_NAME.search(name) and len(value) >= 4 and not value.isdigit() and not value.startswith("/")
    ]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _SECRET_SHAPE.sub(HIDDEN, text)


def redacted(finding: Finding, settings: dict[str, str]) -> Finding:
    """Return the finding without secrets in any of its words."""
    return replace(
        finding,
        said=redact(finding.said, settings),
        evidence=tuple(redact(line, settings) for line in finding.evidence),
        next=redact(finding.next, settings),
    )
