"""Recompute what `manifest.json` says of each text; `--check` only compares, and exits 1 when it differs.

A text's prose (name, language, description, ...) is written by hand in the manifest and kept; its measures
are computed here. To add a text, add an object with the hand-written fields and run this script.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from pytest_wdtts.protocol import FLUSH_MARKS

HERE = Path(__file__).resolve().parent
ANY_MARK = re.compile("[" + re.escape("".join(sorted(FLUSH_MARKS))) + "]")
FIELDS = (
    "name",
    "file",
    "sha256",
    "units",
    "marks",
    "punctuation_density",
    "longest_run_units",
    "language",
    "licence",
    "source",
    "description",
)


def read_text(path: Path) -> str:
    """Return the text as it is sent: UTF-8, one trailing newline stripped, nothing normalised."""
    return path.read_bytes().decode("utf-8").removesuffix("\n")


def measures(path: Path) -> dict[str, Any]:
    """Return the computed fields of one text."""
    text = read_text(path)
    marks = len(ANY_MARK.findall(text))
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "units": len(text),
        "marks": marks,
        "punctuation_density": round(marks / len(text), 4) if text else 0.0,
        "longest_run_units": max(len(run) for run in ANY_MARK.split(text)),
    }


def recomputed(folder: Path) -> str:
    """Return the manifest that is true of the files in `folder`. Raises `ValueError`."""
    entries: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    listed = [entry["file"] for entry in entries]
    present = sorted(path.name for path in folder.glob("*.txt"))
    if sorted(listed) != present:
        raise ValueError(f"manifest.json lists {sorted(listed)}, the folder holds {present}")
    true = [entry | measures(folder / entry["file"]) for entry in entries]
    for entry in true:
        if set(entry) != set(FIELDS):
            wrong = sorted(set(entry) ^ set(FIELDS))
            raise ValueError(f"{entry['file']}: these fields are missing or unknown: {wrong}")
    ordered = [{field: entry[field] for field in FIELDS} for entry in true]
    return json.dumps(ordered, ensure_ascii=False, indent=2) + "\n"


def main(arguments: list[str] | None = None, folder: Path = HERE) -> int:
    """Write the manifest, or compare it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when the manifest differs")
    check: bool = parser.parse_args(arguments).check
    manifest = folder / "manifest.json"
    try:
        true = recomputed(folder)
    except ValueError as mismatch:
        print(f"{manifest}: {mismatch}", file=sys.stderr)
        return 1
    if manifest.read_bytes() == true.encode("utf-8"):
        return 0
    if check:
        print(f"{manifest} differs from the texts: run `python corpora/make_manifest.py`", file=sys.stderr)
        return 1
    manifest.write_bytes(true.encode("utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
