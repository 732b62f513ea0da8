"""The GitHub workflow and the example for users hold before a real linter of workflows."""

import re
from pathlib import Path

import pytest

from tests.npm_tools import ROOT, node

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXAMPLE = ROOT / "docs/how-to/github-actions.md"


def example(directory: Path) -> Path:
    """Write the example out of the document."""
    (text,) = re.findall(r"```yaml\n(.*?)```", EXAMPLE.read_text(encoding="utf-8"), re.DOTALL)
    path = directory / "example.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    assert WORKFLOWS
    assert node("lint_workflows.mjs", *WORKFLOWS, example(tmp_path)) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("runs-on:", "runs_on:"), '"runs-on" section is missing'),
        (("${{ secrets.", "${{ secret."), 'undefined variable "secret"'),
        (('cron: "17 18', 'cron: "77 18'), "invalid CRON format"),
    ],
)
def test_the_linter_finds_what_is_wrong(tmp_path: Path, wrong: tuple[str, str], words: str) -> None:
    path = example(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(*wrong), encoding="utf-8")
    assert any(words in line for line in node("lint_workflows.mjs", path))
