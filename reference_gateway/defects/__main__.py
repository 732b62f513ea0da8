"""`python -m reference_gateway.defects`: the table of all defects, as `docs/reference/defects.md` has it."""

import sys
from dataclasses import fields

from . import DEFECTS, KINDS, Defect

_HEAD = """# Defects of the reference gateway

`python -m reference_gateway --defect NAME[:ARGUMENT=NUMBER,...]` switches one on; several act one after another.
Every defect takes `start_s` (seconds after the first client came) and `seed` (else `WS_TTS_DEFECT_SEED`, else 1);
`rate` is a share of chunks, `share` a share of sessions. Written by `python -m reference_gateway.defects`.
"""


def table() -> str:
    """All defects by kind, from their docstrings."""
    parts = [_HEAD]
    for kind in KINDS:
        title = (kind.__doc__ or "").partition("\n")[0]
        parts += [f"## {title.rstrip('.')}", "", "| name | arguments | what goes wrong |", "|---|---|---|"]
        parts += [_line(defect) for defect in DEFECTS.values() if defect.__module__ == kind.__name__]
        parts.append("")
    return "\n".join(parts)


def _line(defect: type[Defect]) -> str:
    own = [one for one in fields(defect) if one.name not in ("start_s", "seed")]
    arguments = ", ".join(f"`{one.name}={one.default:g}`" for one in own)
    return f"| `{defect.name}` | {arguments} | {' '.join((defect.__doc__ or '').split())} |"


if __name__ == "__main__":
    sys.stdout.write(table())
