"""`python -m reference_gateway.web`."""

import sys

from ..service import run_service
from .server import Settings, make_app


def main() -> int:
    """Run until a signal; return the exit code."""
    return run_service("web", Settings, make_app)


if __name__ == "__main__":
    sys.exit(main())
