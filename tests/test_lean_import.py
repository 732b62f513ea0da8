"""A test suite that never uses the plugin pays next to nothing for having it installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "uvloop", "msgspec", "websockets", "aiohttp", "httpx", "psutil", "hdrh", "asyncio"}

LOADED_BY_IMPORT = """\
import sys
import pytest
before = set(sys.modules)
import pytest_wdtts.plugin
print(*sorted(set(sys.modules) - before))
"""

UNRELATED_SUITE = """\
import sys
from pathlib import Path


def test_something_else():
    Path("modules.txt").write_text(" ".join(sys.modules))
"""


def run(*arguments: str, cwd: Path) -> str:
    """Run Python without any other plugin, whose imports would hide ours."""
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def heavy(modules: str) -> set[str]:
    return {module.split(".")[0] for module in modules.split()} & HEAVY


def test_importing_the_plugin_loads_nothing_heavy(tmp_path: Path) -> None:
    assert heavy(run("-c", LOADED_BY_IMPORT, cwd=tmp_path)) == set()


def test_an_unrelated_suite_runs_without_anything_heavy(tmp_path: Path) -> None:
    (tmp_path / "test_unrelated.py").write_text(UNRELATED_SUITE)
    seen = []
    for plugin in ([], ["-p", "pytest_wdtts.plugin"]):
        run("-m", "pytest", "-q", *plugin, cwd=tmp_path)
        seen.append(heavy((tmp_path / "modules.txt").read_text()))
    without, with_plugin = seen
    assert with_plugin == without


@pytest.mark.parametrize("module", ["asyncio", "msgspec"])
def test_a_heavy_import_would_be_seen(tmp_path: Path, module: str) -> None:
    script = LOADED_BY_IMPORT.replace("pytest_wdtts.plugin", module)
    assert heavy(run("-c", script, cwd=tmp_path)) == {module}
