"""The examples in the documents are true: every command parses, every test in the README runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_wdtts.cli import build_parser
from pytest_wdtts.options import OPTIONS
from pytest_wdtts.verdict import row_ids

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "README.zh-TW.md", *(ROOT / "docs").rglob("*.md")])


def commands(start: str) -> list[str]:
    """Every command in a fence or in backquotes that begins with `start `, without its comment."""
    found: set[str] = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fenced = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", text, re.S))
        lines = [line.strip() for line in fenced.splitlines()] + re.findall(r"`([^`\n]+)`", text)
        found |= {line.split("  #")[0].strip() for line in lines if line.startswith(f"{start} ")}
    return sorted(found)


@pytest.mark.parametrize("command", commands("wdtts"))
def test_every_wdtts_example_parses(command: str) -> None:
    words = shlex.split(command)[1:]
    assert build_parser().parse_args(words).run


@pytest.mark.parametrize("command", commands("pytest"))
def test_every_pytest_example_is_collected(command: str) -> None:
    words = [word for word in shlex.split(command)[1:] if word != "scenarios"]
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "scenarios", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_readme_s_own_test_passes(tmp_path: Path) -> None:
    source = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert source
    (tmp_path / "test_readme.py").write_text(source[1], encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path), f"--wdtts-report={tmp_path}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_reference_names_every_option_and_every_row() -> None:
    reference = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").glob("*.md"))
    assert [option.flag for option in OPTIONS if f"`{option.flag}" not in reference] == []
    assert [row for row in row_ids("heavy") + row_ids("baseline") if f"`{row}`" not in reference] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
