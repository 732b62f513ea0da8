"""Programs from npm that our files have to please; where they cannot be had, a test skips and says why."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".venv/npm"


@cache
def _missing() -> str:
    if shutil.which("npm") is None:
        return "no npm on this machine: install Node.js 20 or newer"
    told = subprocess.run([ROOT / "ci/install_npm_tools"], capture_output=True, text=True, timeout=240, check=False)
    return f"ci/install_npm_tools: {told.stderr.strip()[-200:]}" if told.returncode else ""


def need_npm_tools() -> Path:
    """Return where they are installed, installing them where they are not yet."""
    if why := _missing():
        pytest.skip(why)
    return TOOLS


def node(script: str, *arguments: str | Path) -> Any:
    """Run a script of tests/npm with the tools; return the JSON that it prints."""
    tools = need_npm_tools()
    told = subprocess.run(
        ["node", ROOT / "tests/npm" / script, tools, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)
