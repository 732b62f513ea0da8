"""`python -m reference_gateway.orchestrator`."""

import os
import sys

from ..service import complain, read_environment, run_service
from ..settings import WrongSetting
from .server import make_app
from .settings import Settings


def main() -> int:
    """Run until a signal; return the exit code."""
    try:
        settings = read_environment(Settings, os.environ)
    except WrongSetting as error:
        complain("orchestrator", str(error))
        return 2
    return run_service("orchestrator", lambda: make_app(settings), settings.host, settings.port)


if __name__ == "__main__":
    sys.exit(main())
