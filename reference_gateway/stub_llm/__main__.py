"""`python -m reference_gateway.stub_llm`."""

import sys

from ..service import run_service
from .server import make_app
from .settings import Settings


def main() -> int:
    """Run until a signal; return the exit code."""
    return run_service("stub_llm", Settings, make_app, _greet)


def _greet(settings: Settings) -> None:
    # The lines that the real server starts with, so that whoever reads logs finds the phases here too.
    print(f"Load weight end. model={settings.model}", flush=True)
    print("The server is fired up and ready to roll!", flush=True)


if __name__ == "__main__":
    sys.exit(main())
