"""`python -m pytest_wdtts.cli`: the same command where scripts are not on the path."""

import sys

from . import main

sys.exit(main())
