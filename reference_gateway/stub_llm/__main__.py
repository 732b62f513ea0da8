"""`python -m reference_gateway.stub_llm`."""

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
        complain("stub_llm", str(error))
        return 2
    # The lines that the real server starts with, so that whoever reads logs finds the phases here too.
    print(f"Load weight end. model={settings.model}", flush=True)
    print("The server is fired up and ready to roll!", flush=True)
    return run_service("stub_llm", lambda: make_app(settings), settings.host, settings.port)


if __name__ == "__main__":
    sys.exit(main())
