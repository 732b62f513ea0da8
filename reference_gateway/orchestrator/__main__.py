"""`python -m reference_gateway.orchestrator`."""

import sys

from ..service import run_service
from .server import make_app
from .settings import Settings


def main() -> int:
    """Run until a signal; return the exit code."""
    return run_service("orchestrator", Settings, make_app)


if __name__ == "__main__":
    sys.exit(main())
