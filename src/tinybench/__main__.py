"""``python -m tinybench``."""

import sys

from tinybench.cli import main

if __name__ == "__main__":
    sys.exit(main())
