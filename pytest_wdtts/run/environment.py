"""What a reader of a report needs to know of the machine that drove the load."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__


def describe_machine() -> dict[str, str]:
    """Return versions, cores and the checkout's commit, where there is one."""
    described = {
        "pytest_wdtts": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": str(os.cpu_count() or 0),
        "commit": _commit(),
    }
    for package in ("pytest", "websockets", "msgspec", "numpy", "hdrhistogram"):
        try:
            described[package] = version(package)
        except PackageNotFoundError:
            continue
    return described


def _commit() -> str:
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path.cwd(),
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
