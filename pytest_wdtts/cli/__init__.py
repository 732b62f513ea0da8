"""The `wdtts` command."""

import sys


def main() -> int:
    """Entry point of the console script."""
    sys.stdout.write("wdtts\n")
    return 0
