"""`python -m backcalc` is `backcalc`."""

import sys

from backcalc.cli import main

if __name__ == "__main__":
    sys.exit(main())
